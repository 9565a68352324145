"""Waits for an execution of a pipeline to start, and reports its progress until it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from stepline.aws.pipeline_executions import ExecutionReader, PipelineExecution
from stepline.aws.pipelines import (
    ExecutionSummary,
    PipelineDefinition,
    list_latest_executions,
    read_execution,
)
from stepline.aws.polling import Poller
from stepline.aws.source_repositories import BranchHead
from stepline.aws.target import Target
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient

_SHORT_ID = 8

Show = Callable[[PipelineExecution], None]


class NotStartedError(UsageError):
    """A commit has not started an execution of the pipeline."""

    def __init__(self, pipeline: str, commit_id: str, seconds: float) -> None:
        super().__init__(
            f"commit {commit_id[:_SHORT_ID]} did not start pipeline {pipeline} within {seconds:g} s: check "
            "that its EventBridge rule is enabled and matches the branch, and that no later push came first "
            "(`stepline status` lists the executions)"
        )


def find_current_execution(
    codepipeline: CodePipelineClient,
    pipeline: str,
    read_head: Callable[[], BranchHead | None],
    poller: Poller,
    *,
    on_wait: Callable[[str], None],
) -> ExecutionSummary:
    """Return the execution of the last push, which may have ended, or a newer one; wait for it if necessary.

    `read_head` returns the last commit of the branch that starts the pipeline. If that is not known (None),
    the newest execution in progress counts, else the newest. `on_wait` gets one line before the wait. Raises
    NotStartedError if the last push starts no execution, TimeoutPassedError.
    """
    begin: dict[str, float] = {}
    waiting = False

    def find() -> ExecutionSummary | None:
        nonlocal waiting
        head = poller.retry(read_head)
        executions = poller.retry(lambda: list_latest_executions(codepipeline, pipeline))
        found = _current_execution(codepipeline, pipeline, executions, head)
        if found:
            return found
        if head and head.commit_id:
            first_seen = begin.setdefault(head.commit_id, poller.monotonic())
            if poller.monotonic() - first_seen >= poller.start_seconds:
                raise NotStartedError(pipeline, head.commit_id, poller.start_seconds)
        if not waiting:
            waiting = True
            on_wait(_wait_text(pipeline, head) + _last_execution_text(executions))
        return None

    return poller.until(find)


def wait_for_next_execution(
    codepipeline: CodePipelineClient, pipeline: str, poller: Poller, *, on_wait: Callable[[str], None]
) -> ExecutionSummary:
    """Wait for an execution that starts after this call. Raises TimeoutPassedError."""
    before = poller.retry(lambda: list_latest_executions(codepipeline, pipeline))
    known = {execution.id for execution in before}
    on_wait(f"Waiting for the next execution of {pipeline}." + _last_execution_text(before))

    def find() -> ExecutionSummary | None:
        executions = poller.retry(lambda: list_latest_executions(codepipeline, pipeline))
        return next((execution for execution in executions if execution.id not in known), None)

    return poller.until(find)


def wait_for_execution_of_revision(
    codepipeline: CodePipelineClient, pipeline: str, revision_id: str, poller: Poller
) -> ExecutionSummary:
    """Return the execution that a push has started, or wait for it.

    Raises NotStartedError, TimeoutPassedError.
    """
    begin = poller.monotonic()

    def find() -> ExecutionSummary | None:
        executions = poller.retry(lambda: list_latest_executions(codepipeline, pipeline))
        for execution in executions:
            if revision_id in _revision_ids(codepipeline, pipeline, execution):
                return execution
        if poller.monotonic() - begin >= poller.start_seconds:
            raise NotStartedError(pipeline, revision_id, poller.start_seconds)
        return None

    return poller.until(find)


def watch_execution(
    target: Target, definition: PipelineDefinition, summary: ExecutionSummary, poller: Poller, show: Show
) -> PipelineExecution:
    """Call `show` with the current state of the execution until it has ended, and return its last state.

    Raises TimeoutPassedError.
    """
    codepipeline, stepfunctions = target.client("codepipeline"), partial(target.client, "stepfunctions")
    reader = ExecutionReader(codepipeline, stepfunctions, definition, summary)

    def read() -> PipelineExecution | None:
        execution = poller.retry(reader.read)
        show(execution)
        return execution if execution.status.has_ended else None

    return poller.until(read)


def _current_execution(
    codepipeline: CodePipelineClient,
    pipeline: str,
    executions: Sequence[ExecutionSummary],
    head: BranchHead | None,
) -> ExecutionSummary | None:
    """Choose from `executions`, the newest first; None to wait."""
    candidates = list(executions)
    if head and head.commit_id is None:  # an execution that has ended is the one that AWS starts at once
        candidates = [execution for execution in executions if execution.status.is_running]
    elif head and head.commit_id:
        candidates = _down_to_commit(codepipeline, pipeline, executions, head.commit_id)
    in_progress = (execution for execution in candidates if execution.status.is_running)
    return next(in_progress, candidates[0] if candidates else None)


def _down_to_commit(
    codepipeline: CodePipelineClient, pipeline: str, executions: Sequence[ExecutionSummary], commit_id: str
) -> list[ExecutionSummary]:
    """Return the newest execution of the commit after the newer ones; nothing if there is none.

    An execution that has not read its source yet will read the last commit.
    """
    for number, execution in enumerate(executions, start=1):
        commits = _revision_ids(codepipeline, pipeline, execution)
        if commit_id in commits or (execution.status.is_running and not commits):
            return list(executions[:number])
    return []


def _wait_text(pipeline: str, head: BranchHead | None) -> str:
    if head is None:
        return f"{pipeline} has no execution: waiting for the first one."
    branch = f"{head.repository}, branch {head.branch}"
    if head.commit_id is None:
        return f"Nothing has been pushed to {branch}: waiting for the first push."
    return f"Waiting for the execution of commit {head.commit_id[:_SHORT_ID]} of {branch}."


def _last_execution_text(executions: Sequence[ExecutionSummary]) -> str:
    if not executions:
        return ""
    last = executions[0]
    return f" (The last one: {last.status.label}; show it with --execution-id {last.id}.)"


def _revision_ids(
    codepipeline: CodePipelineClient, pipeline: str, execution: ExecutionSummary
) -> frozenset[str]:
    """Return the commits of the execution; none if its source action has not read them yet."""
    if not execution.source_revisions and not execution.status.has_ended:
        # ListPipelineExecutions may return the revision a moment later than GetPipelineExecution.
        execution = read_execution(codepipeline, pipeline, execution.id)
    return frozenset(revision.revision_id for revision in execution.source_revisions)
