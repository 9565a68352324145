"""How runs, statuses and results look on a terminal. Data comes in, rich renderables go out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stepline.aws.executions import StateVisit
from stepline.aws.pipelines import ExecutionSummary
from stepline.aws.run_failures import FailedAction
from stepline.aws.runs import ActionRun, PipelineRun, StageRun
from stepline.aws.statuses import Status, VisitStatus
from stepline.cli.run_lines import visit_text
from stepline.cli.summaries import headline, reason, subject
from stepline.cli.terminal import Glyphs
from stepline.core.durations import format_duration

_SHORT_ID = 8
_INDENT = "  "

_STYLES = {
    Status.NOT_STARTED: "quiet",
    Status.SUCCEEDED: "good",
    Status.FAILED: "bad",
    Status.IN_PROGRESS: "busy",
    Status.STOPPING: "warn",
    Status.STOPPED: "warn",
    Status.SUPERSEDED: "warn",
    Status.CANCELLED: "warn",
    Status.ABANDONED: "warn",
    Status.SKIPPED: "quiet",
    Status.UNKNOWN: "quiet",
}

_VISIT_AS_STATUS = {
    VisitStatus.RUNNING: Status.IN_PROGRESS,
    VisitStatus.SUCCEEDED: Status.SUCCEEDED,
    VisitStatus.CAUGHT: Status.STOPPED,
    VisitStatus.FAILED: Status.FAILED,
    VisitStatus.TIMED_OUT: Status.FAILED,
    VisitStatus.ABORTED: Status.FAILED,
}


@dataclass(frozen=True)
class StateRow:
    """All visits of one state: a polling loop is one row, not a hundred."""

    name: str
    depth: int
    visits: int
    duration: timedelta
    last: StateVisit


def state_rows(visits: Iterable[StateVisit], now: datetime) -> list[StateRow]:
    """The states in the order in which each was first entered."""
    rows: dict[tuple[int, str], StateRow] = {}
    for visit in visits:
        key = (visit.depth, visit.name)
        before = rows.get(key)
        total = visit.duration(now) + (before.duration if before else timedelta())
        rows[key] = StateRow(visit.name, visit.depth, before.visits + 1 if before else 1, total, visit)
    return list(rows.values())


def run(
    run: PipelineRun, glyphs: Glyphs, now: datetime, *, busy: str | None = None, max_states: int | None = None
) -> RenderableType:
    """The whole execution; `busy` is the sign of what is under way, `max_states` keeps it on a screen."""
    signs = _Signs(glyphs, busy)
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, overflow="ellipsis")
    table.add_column(style="quiet")  # the one that gives way when the screen is narrow
    table.add_column(justify="right", no_wrap=True, style="quiet")
    for stage in run.stages:
        _add_stage(table, stage, signs, now, max_states)
    return Group(_headline(run, signs, now), Text(), Padding(table, (0, 0, 0, 1)))


def failure(failed: FailedAction, glyphs: Glyphs) -> RenderableType:
    """Why an action failed; not where to look, for an address must not be cut into lines."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="quiet")
    table.add_column(overflow="fold")
    facts = {"state": failed.state, "error": failed.error, "cause": failed.cause}
    for name, value in facts.items():
        if value:
            table.add_row(name, Text(value))
    title = Text(f"{glyphs.bad} {failed.stage} / {failed.action} failed", style="bad")
    return Group(title, Padding(table, (0, 0, 0, 2)))


def facts(title: str, values: Mapping[str, str]) -> RenderableType:
    """Names and values below a title: a stack's outputs, a pipeline's variables."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="name", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in values.items():
        table.add_row(name, Text(value))
    return Group(Text(title, style="quiet"), Padding(table, (0, 0, 0, 2)))


def status_text(status: Status, glyphs: Glyphs) -> Text:
    return Text(f"{_Signs(glyphs, None).of(status)} {status.words}", style=_STYLES[status])


def execution_line(execution: ExecutionSummary) -> Text:
    """`1a2b3c4d · 3f2a91c0 Update app · StartPipelineExecution`"""
    text = Text(execution.id[:_SHORT_ID], style="name")
    for revision in execution.source_revisions:
        text.append(
            f"  {revision.revision_id[:_SHORT_ID]} {subject(revision.summary)}".rstrip(), style="none"
        )
    if execution.trigger:
        text.append(f"  by {execution.trigger.type}", style="quiet")
    return text


@dataclass(frozen=True)
class _Signs:
    glyphs: Glyphs
    busy: str | None

    def of(self, status: Status) -> str:
        match status:
            case Status.SUCCEEDED:
                return self.glyphs.good
            case Status.FAILED:
                return self.glyphs.bad
            case Status.IN_PROGRESS:
                return self.busy or self.glyphs.busy
            case Status.NOT_STARTED | Status.SKIPPED:
                return self.glyphs.waiting
        return self.glyphs.warn

    def text(self, status: Status, name: str, depth: int, *, style: str = "") -> Text:
        name_style = "quiet" if status is Status.NOT_STARTED else style
        return Text.assemble(_INDENT * depth, (self.of(status), _STYLES[status]), " ", (name, name_style))


def _headline(run: PipelineRun, signs: _Signs, now: datetime) -> Text:
    status = run.execution.status
    style = _STYLES[status]
    text = Text.assemble((f"{signs.of(status)} {run.pipeline}", f"bold {style}"), "  ")
    text.append(status.words, style=style)
    if length := format_duration(run.duration(now)):
        text.append(f"  {length}", style="none")
    text.append("  ")
    text.append_text(execution_line(run.execution))
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _add_stage(table: Table, stage: StageRun, signs: _Signs, now: datetime, max_states: int | None) -> None:
    length = format_duration(stage.duration(now))
    table.add_row(signs.text(stage.status, stage.name, 0, style="name"), stage.blocked or "", length)
    for action in stage.actions:
        table.add_row(
            signs.text(action.status, action.name, 1),
            _short(_action_detail(action)),
            format_duration(action.duration(now)),
        )
        _add_states(table, action, signs, now, max_states)


def _short(text: str) -> Text:
    """Text that is cut off where there is no room for it."""
    return Text(text, no_wrap=True, overflow="ellipsis")


def _action_detail(action: ActionRun) -> str:
    words = [action.provider]
    if action.status.is_running and action.percent_complete is not None:
        words.append(f"{action.percent_complete} %")
    if not (action.runs_state_machine and action.visits):  # there the states tell more
        words.append(reason(action.error.message) if action.error else headline(action.summary))
    return "  ".join(filter(None, words))


def _add_states(
    table: Table, action: ActionRun, signs: _Signs, now: datetime, max_states: int | None
) -> None:
    rows = state_rows(action.visits, now)
    hidden = max(0, len(rows) - max_states) if max_states is not None else 0
    if hidden:
        table.add_row(Text(f"{_INDENT * 2}… {hidden} earlier states", style="quiet"), "", "")
    for row in rows[hidden:]:
        name = signs.text(_VISIT_AS_STATUS[row.last.status], row.name, 2 + row.depth)
        if row.visits > 1:
            name.append(f" {signs.glyphs.times}{row.visits}", style="quiet")
        failed = row.last.status not in {VisitStatus.RUNNING, VisitStatus.SUCCEEDED}
        detail = visit_text(row.last, now) if failed else ""
        table.add_row(name, _short(detail), format_duration(row.duration))
