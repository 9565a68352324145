"""Finding an execution of a pipeline, and following it to its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.config import Config

from stepline.aws.pipelines import ExecutionSummary, PipelineDefinition, latest_executions, pipeline_execution
from stepline.aws.polling import Polling
from stepline.aws.runs import PipelineRun, RunReader
from stepline.aws.target import Target

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient
    from mypy_boto3_stepfunctions import SFNClient

Show = Callable[[PipelineRun], None]


def newest_or_next(
    codepipeline: CodePipelineClient, pipeline: str, polling: Polling, *, waiting: Callable[[str], None]
) -> ExecutionSummary:
    """The newest execution under way, or else the next one that appears; `waiting` is told once."""
    before: set[str] | None = None
    for _ in polling.rounds():
        executions = polling.read(lambda: latest_executions(codepipeline, pipeline))
        for execution in executions:
            if execution.status.is_running or (before is not None and execution.id not in before):
                return execution
        if before is None:
            before = {execution.id for execution in executions}
            waiting(_nothing_runs(pipeline, executions))
    raise AssertionError("rounds never end by themselves")


def execution_of_revision(
    codepipeline: CodePipelineClient, pipeline: str, revision_id: str, polling: Polling
) -> ExecutionSummary:
    """The execution that a push started. Raises TimeoutPassedError if there is none in time."""
    for _ in polling.rounds():
        executions = polling.read(lambda: latest_executions(codepipeline, pipeline))
        for execution in executions:
            if _is_of_revision(codepipeline, pipeline, execution, revision_id):
                return execution
    raise AssertionError("rounds never end by themselves")


def follow(
    target: Target, definition: PipelineDefinition, execution: ExecutionSummary, polling: Polling, show: Show
) -> PipelineRun:
    """Call `show` with the run again and again until it is over, and return it.

    Raises TimeoutPassedError if that takes too long.
    """
    reader = RunReader(target.client("codepipeline"), _by_region(target), definition, execution)
    for _ in polling.rounds():
        run = polling.read(reader.read)
        show(run)
        if run.execution.status.is_over:
            return run
    raise AssertionError("rounds never end by themselves")


def _nothing_runs(pipeline: str, executions: tuple[ExecutionSummary, ...]) -> str:
    text = f"No execution of {pipeline} is under way: waiting for the next one."
    if executions:
        last = executions[0]
        text += f" (The last one {last.status.words}: --execution-id {last.id} shows it.)"
    return text


def _is_of_revision(
    codepipeline: CodePipelineClient, pipeline: str, execution: ExecutionSummary, revision_id: str
) -> bool:
    if execution.source_revisions or execution.status.is_over:
        return execution.is_of_revision(revision_id)
    # the list may tell the revision a moment later than the execution itself
    return pipeline_execution(codepipeline, pipeline, execution.id).is_of_revision(revision_id)


def _by_region(target: Target) -> Callable[[str], SFNClient]:
    def client(region: str) -> SFNClient:
        if region == target.region or target.is_local:
            return target.client("stepfunctions")  # type: ignore[no-any-return]
        return target.new_client("stepfunctions", Config(region_name=region))  # type: ignore[no-any-return]

    return client
