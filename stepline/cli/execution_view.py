"""Lays out executions of pipelines, statuses and failures for a terminal, with rich."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stepline.aws.failed_actions import FailedAction
from stepline.aws.pipeline_executions import ActionExecution, PipelineExecution, StageExecution
from stepline.aws.pipelines import ExecutionSummary
from stepline.aws.state_rows import list_state_rows
from stepline.aws.statuses import Status, VisitStatus
from stepline.aws.summaries import error_line, first_line, summary_line
from stepline.cli.execution_lines import visit_text
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


def execution_layout(
    execution: PipelineExecution,
    glyphs: Glyphs,
    now: datetime,
    *,
    busy: str | None = None,
    max_states: int | None = None,
) -> RenderableType:
    """Lay out the whole execution.

    `busy` replaces the symbol of what is in progress; `max_states` limits the states of each action.
    """
    symbols = _Symbols(glyphs, busy)
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, overflow="ellipsis")
    table.add_column(style="quiet")  # this one is shortened on a narrow screen
    table.add_column(justify="right", no_wrap=True, style="quiet")
    for stage in execution.stages:
        _add_stage(table, stage, symbols, now, max_states)
    return Group(_headline(execution, symbols, now), Text(), Padding(table, (0, 0, 0, 1)))


def failure_layout(failed: FailedAction, glyphs: Glyphs) -> RenderableType:
    """Lay out why an action failed, without the link, which must not be broken into lines."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="quiet")
    table.add_column(overflow="fold")
    facts = {"state": failed.state, "error": failed.error, "cause": failed.cause}
    for name, value in facts.items():
        if value:
            table.add_row(name, Text(value))
    title = Text(f"{glyphs.bad} {failed.stage} / {failed.action} failed", style="bad")
    return Group(title, Padding(table, (0, 0, 0, 2)))


def values_layout(title: str, values: Mapping[str, str]) -> RenderableType:
    """Lay out names and values below a title, such as the outputs of a stack."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="name", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in values.items():
        table.add_row(name, Text(value))
    return Group(Text(title, style="quiet"), Padding(table, (0, 0, 0, 2)))


def status_text(status: Status, glyphs: Glyphs) -> Text:
    return Text(f"{_Symbols(glyphs, None).of(status)} {status.label}", style=_STYLES[status])


def execution_line(execution: ExecutionSummary) -> Text:
    """Return `1a2b3c4d  3f2a91c0 Update app  by StartPipelineExecution`."""
    text = Text(execution.id[:_SHORT_ID], style="name")
    for revision in execution.source_revisions:
        text.append(
            f"  {revision.revision_id[:_SHORT_ID]} {first_line(revision.summary)}".rstrip(), style="none"
        )
    if execution.trigger:
        text.append(f"  by {execution.trigger.type}", style="quiet")
    return text


@dataclass(frozen=True)
class _Symbols:
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


def _headline(execution: PipelineExecution, symbols: _Symbols, now: datetime) -> Text:
    status = execution.status
    style = _STYLES[status]
    text = Text.assemble((f"{symbols.of(status)} {execution.pipeline}", f"bold {style}"), "  ")
    text.append(status.label, style=style)
    if duration := format_duration(execution.duration(now)):
        text.append(f"  {duration}", style="none")
    text.append("  ")
    text.append_text(execution_line(execution.summary))
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _add_stage(
    table: Table, stage: StageExecution, symbols: _Symbols, now: datetime, max_states: int | None
) -> None:
    duration = format_duration(stage.duration(now))
    table.add_row(symbols.text(stage.status, stage.name, 0, style="name"), stage.blocked or "", duration)
    for action in stage.actions:
        table.add_row(
            symbols.text(action.status, action.name, 1),
            _cut_text(_action_detail(action)),
            format_duration(action.duration(now)),
        )
        _add_states(table, action, symbols, now, max_states)


def _cut_text(text: str) -> Text:
    """Return text that is cut off at the end of its column."""
    return Text(text, no_wrap=True, overflow="ellipsis")


def _action_detail(action: ActionExecution) -> str:
    parts = [action.provider]
    if action.status.is_running and action.percent_complete is not None:
        parts.append(f"{action.percent_complete} %")
    if not action.visits:  # the states have more details
        parts.append(error_line(action.error.message) if action.error else summary_line(action.summary))
    return "  ".join(filter(None, parts))


def _add_states(
    table: Table, action: ActionExecution, symbols: _Symbols, now: datetime, max_states: int | None
) -> None:
    rows = list_state_rows(action.visits, now)
    hidden = max(0, len(rows) - max_states) if max_states is not None else 0
    if hidden:
        table.add_row(Text(f"{_INDENT * 2}… {hidden} earlier states", style="quiet"), "", "")
    for row in rows[hidden:]:
        name = symbols.text(_VISIT_AS_STATUS[row.last.status], row.name, 2 + row.depth)
        if row.visits > 1:
            name.append(f" {symbols.glyphs.times}{row.visits}", style="quiet")
        failed = row.last.status not in {VisitStatus.RUNNING, VisitStatus.SUCCEEDED}
        detail = visit_text(row.last, now) if failed else ""
        table.add_row(name, _cut_text(detail), format_duration(row.duration))
