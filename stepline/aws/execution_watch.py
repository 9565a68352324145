"""Waits for an execution of a pipeline to start, and reports its progress until it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.config import Config

from stepline.aws.pipeline_executions import ExecutionReader, PipelineExecution
from stepline.aws.pipelines import (
    ExecutionSummary,
    PipelineDefinition,
    list_latest_executions,
    read_execution,
)
from stepline.aws.polling import Poller
from stepline.aws.target import Target

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient
    from mypy_boto3_stepfunctions import SFNClient

Show = Callable[[PipelineExecution], None]


def wait_for_execution(
    codepipeline: CodePipelineClient, pipeline: str, poller: Poller, *, on_wait: Callable[[str], None]
) -> ExecutionSummary:
    """Return the newest running execution, or else wait for the next one.

    `on_wait` gets one line if no execution is running. Raises TimeoutPassedError.
    """
    known: set[str] | None = None

    def find() -> ExecutionSummary | None:
        nonlocal known
        executions = poller.retry(lambda: list_latest_executions(codepipeline, pipeline))
        for execution in executions:
            if execution.status.is_running or (known is not None and execution.id not in known):
                return execution
        if known is None:
            known = {execution.id for execution in executions}
            on_wait(_no_execution_text(pipeline, executions))
        return None

    return poller.until(find)


def wait_for_execution_of_revision(
    codepipeline: CodePipelineClient, pipeline: str, revision_id: str, poller: Poller
) -> ExecutionSummary:
    """Wait for the execution that a push has started. Raises TimeoutPassedError."""

    def find() -> ExecutionSummary | None:
        executions = poller.retry(lambda: list_latest_executions(codepipeline, pipeline))
        matching = (each for each in executions if _has_revision(codepipeline, pipeline, each, revision_id))
        return next(matching, None)

    return poller.until(find)


def watch_execution(
    target: Target, definition: PipelineDefinition, summary: ExecutionSummary, poller: Poller, show: Show
) -> PipelineExecution:
    """Call `show` with the current state of the execution until it has ended, and return its last state.

    Raises TimeoutPassedError.
    """
    reader = ExecutionReader(target.client("codepipeline"), _clients_by_region(target), definition, summary)

    def read() -> PipelineExecution | None:
        execution = poller.retry(reader.read)
        show(execution)
        return execution if execution.status.has_ended else None

    return poller.until(read)


def _no_execution_text(pipeline: str, executions: tuple[ExecutionSummary, ...]) -> str:
    text = f"No execution of {pipeline} is in progress: waiting for the next one."
    if executions:
        last = executions[0]
        text += f" (The last one {last.status.label}: show it with --execution-id {last.id}.)"
    return text


def _has_revision(
    codepipeline: CodePipelineClient, pipeline: str, execution: ExecutionSummary, revision_id: str
) -> bool:
    if execution.source_revisions or execution.status.has_ended:
        return execution.has_revision(revision_id)
    # ListPipelineExecutions may return the revision a moment later than GetPipelineExecution.
    return read_execution(codepipeline, pipeline, execution.id).has_revision(revision_id)


def _clients_by_region(target: Target) -> Callable[[str], SFNClient]:
    def client(region: str) -> SFNClient:
        if region == target.region or target.is_local:
            return target.client("stepfunctions")  # type: ignore[no-any-return]
        return target.new_client("stepfunctions", Config(region_name=region))  # type: ignore[no-any-return]

    return client
