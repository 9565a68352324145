"""Describes an execution of a pipeline as lines, one for each change, for logs and pipes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from stepline.aws.pipeline_executions import ActionExecution, PipelineExecution
from stepline.aws.state_visits import StateVisit
from stepline.aws.statuses import Status, VisitStatus
from stepline.aws.summaries import error_line, first_line, summary_line
from stepline.cli.times import clock_time
from stepline.core.durations import format_duration

_SHORT_ID = 8


@dataclass(frozen=True)
class Line:
    """One change; `subject` is what changed: `Deploy / Deploy > Create Stack`."""

    time: datetime
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{clock_time(self.time)}  {self.subject}  {self.text}"


def changes(before: PipelineExecution | None, execution: PipelineExecution, now: datetime) -> Iterator[Line]:
    """Yield the changes since `before`, oldest first within an action, with AWS's times or else `now`."""
    if before is None:
        yield Line(execution.started or now, _subject(execution), _start_text(execution))
    known = (
        {(stage.name, action.name): action for stage in before.stages for action in stage.actions}
        if before
        else {}
    )
    for stage in execution.stages:
        for action in stage.actions:
            subject = f"{stage.name} / {action.name}"
            yield from _action_changes(known.get((stage.name, action.name)), action, subject, now)
    yield from _end(before, execution, now)


def _subject(execution: PipelineExecution) -> str:
    return f"{execution.pipeline} {execution.summary.id[:_SHORT_ID]}"


def _start_text(execution: PipelineExecution) -> str:
    """Return what started the execution: its trigger and revisions."""
    parts = ["started"]
    if execution.summary.trigger:
        parts.append(f"by {execution.summary.trigger.type}")
    parts.extend(
        f"for {revision.revision_id[:_SHORT_ID]} {first_line(revision.summary)}".rstrip()
        for revision in execution.summary.source_revisions
    )
    return " ".join(parts)


def visit_text(visit: StateVisit, now: datetime) -> str:
    if visit.status is VisitStatus.RUNNING:
        return "running"
    text = f"{_VISIT_LABELS[visit.status]} ({format_duration(visit.duration(now))})"
    return f"{text}: {visit.error}" if visit.error and visit.status is not VisitStatus.SUCCEEDED else text


_VISIT_LABELS = {
    VisitStatus.SUCCEEDED: "done",
    VisitStatus.CAUGHT: "failed and caught",
    VisitStatus.FAILED: "failed",
    VisitStatus.TIMED_OUT: "timed out",
    VisitStatus.ABORTED: "aborted",
}


def _action_changes(
    before: ActionExecution | None, action: ActionExecution, subject: str, now: datetime
) -> Iterator[Line]:
    before = before or ActionExecution(action.name, action.provider)
    is_new = before.started != action.started
    if is_new and action.started:
        yield Line(action.started, subject, Status.IN_PROGRESS.label)
    yield from _visit_changes(before, action, subject, now)
    if action.status is not before.status and action.status is not Status.IN_PROGRESS:
        yield Line(action.ended or now, subject, _end_text(action, now))
    elif action.summary and action.summary != before.summary and action.state_machine_execution is None:
        yield Line(now, subject, summary_line(action.summary))


def _end_text(action: ActionExecution, now: datetime) -> str:
    text = f"{action.status.label} ({format_duration(action.duration(now))})"
    detail = error_line(action.error.message) if action.error else summary_line(action.summary)
    return f"{text}: {detail}" if detail else text


def _visit_changes(
    before: ActionExecution, action: ActionExecution, subject: str, now: datetime
) -> Iterator[Line]:
    known = {
        visit.id: visit
        for visit in before.visits
        if before.external_execution_id == action.external_execution_id
    }
    for visit in action.visits:
        previous = known.get(visit.id)
        if previous is None or previous.status is not visit.status:
            yield Line(visit.exited or visit.entered, f"{subject} > {visit.name}", visit_text(visit, now))


def _end(before: PipelineExecution | None, execution: PipelineExecution, now: datetime) -> Iterator[Line]:
    if execution.status in {before.status if before else None, Status.IN_PROGRESS}:
        return
    text = execution.status.label
    if execution.status.has_ended:
        text += f" ({format_duration(execution.duration(now))})"
    if execution.summary.status_summary:
        text += f": {execution.summary.status_summary}"
    yield Line(execution.ended or now, _subject(execution), text)
