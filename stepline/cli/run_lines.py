"""A run as lines, one for each change: for logs and pipes, where nothing can be drawn over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from stepline.aws.executions import StateVisit
from stepline.aws.runs import ActionRun, PipelineRun
from stepline.aws.statuses import Status, VisitStatus
from stepline.cli.durations import clock_time
from stepline.cli.summaries import headline, reason, subject
from stepline.core.durations import format_duration

_SHORT_ID = 8


@dataclass(frozen=True)
class Line:
    """`subject` is what changed: `Deploy / Deploy > Create Stack`."""

    time: datetime
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{clock_time(self.time)}  {self.subject}  {self.text}"


def changes(before: PipelineRun | None, run: PipelineRun, now: datetime) -> Iterator[Line]:
    """What is new in `run` since `before`, oldest first within an action. Times are AWS's, else `now`."""
    if before is None:
        place = f"{run.pipeline} {run.execution.id[:_SHORT_ID]}"
        yield Line(run.started or now, place, beginning(run))
    known = (
        {_key(stage.name, action): action for stage in before.stages for action in stage.actions}
        if before
        else {}
    )
    for stage in run.stages:
        for action in stage.actions:
            place = f"{stage.name} / {action.name}"
            yield from _action_changes(known.get(_key(stage.name, action)), action, place, now)
    yield from _end(before, run, now)


def beginning(run: PipelineRun) -> str:
    """What started the execution: revision and trigger."""
    words = ["started"]
    if run.execution.trigger:
        words.append(f"by {run.execution.trigger.type}")
    words.extend(
        f"for {revision.revision_id[:_SHORT_ID]} {subject(revision.summary)}".rstrip()
        for revision in run.execution.source_revisions
    )
    return " ".join(words)


def visit_text(visit: StateVisit, now: datetime) -> str:
    if visit.status is VisitStatus.RUNNING:
        return "running"
    text = f"{_VISIT_WORDS[visit.status]} ({format_duration(visit.duration(now))})"
    return f"{text}: {visit.error}" if visit.error and visit.status is not VisitStatus.SUCCEEDED else text


_VISIT_WORDS = {
    VisitStatus.SUCCEEDED: "done",
    VisitStatus.CAUGHT: "failed and caught",
    VisitStatus.FAILED: "failed",
    VisitStatus.TIMED_OUT: "timed out",
    VisitStatus.ABORTED: "aborted",
}


def _key(stage: str, action: ActionRun) -> tuple[str, str]:
    return stage, action.name


def _action_changes(before: ActionRun | None, action: ActionRun, place: str, now: datetime) -> Iterator[Line]:
    before = before or ActionRun(action.name, action.provider)
    is_new = before.started != action.started
    if is_new and action.started:
        yield Line(action.started, place, Status.IN_PROGRESS.words)
    yield from _visit_changes(before, action, place, now)
    if action.status is not before.status and action.status is not Status.IN_PROGRESS:
        yield Line(action.ended or now, place, _ending(action, now))
    elif action.summary and action.summary != before.summary and not action.runs_state_machine:
        yield Line(now, place, headline(action.summary))


def _ending(action: ActionRun, now: datetime) -> str:
    words = f"{action.status.words} ({format_duration(action.duration(now))})"
    detail = reason(action.error.message) if action.error else headline(action.summary)
    return f"{words}: {detail}" if detail else words


def _visit_changes(before: ActionRun, action: ActionRun, place: str, now: datetime) -> Iterator[Line]:
    known = {
        visit.id: visit
        for visit in before.visits
        if before.external_execution_id == action.external_execution_id
    }
    for visit in action.visits:
        previous = known.get(visit.id)
        if previous is None or previous.status is not visit.status:
            yield Line(visit.left or visit.entered, f"{place} > {visit.name}", visit_text(visit, now))


def _end(before: PipelineRun | None, run: PipelineRun, now: datetime) -> Iterator[Line]:
    was = before.execution.status if before else None
    if run.execution.status is was or run.execution.status is Status.IN_PROGRESS:
        return
    text = run.execution.status.words
    if run.execution.status.is_over:
        text += f" ({format_duration(run.duration(now))})"
    if run.execution.status_summary:
        text += f": {run.execution.status_summary}"
    yield Line(run.ended or now, f"{run.pipeline} {run.execution.id[:_SHORT_ID]}", text)
