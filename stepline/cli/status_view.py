"""Lays out the state of a pipeline for `stepline status`."""

from __future__ import annotations

from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stepline.aws.pipeline_status import PipelineStatus, action_state
from stepline.aws.pipelines import ActionState, ExecutionSummary
from stepline.aws.summaries import error_line, summary_line
from stepline.cli import execution_view
from stepline.cli.terminal import Glyphs
from stepline.core.durations import format_duration

_REVISION_CHARACTERS = 8


def pipeline_layout(status: PipelineStatus, glyphs: Glyphs, now: datetime) -> RenderableType:
    """Lay out one pipeline: its stages and actions, then its latest executions."""
    definition = status.definition
    title = Text.assemble((definition.name, "name"), (f"  mode {definition.execution_mode.lower()}", "quiet"))
    parts: list[RenderableType] = [title, Padding(_stages(status, glyphs, now), (0, 0, 1, 2))]
    if status.executions:
        parts += [
            Text("Latest executions", style="quiet"),
            Padding(_executions(status, glyphs, now), (0, 0, 1, 2)),
        ]
    return Group(*parts)


def _stages(status: PipelineStatus, glyphs: Glyphs, now: datetime) -> Table:
    table = _table(4, wrapped_column=2)
    for stage in status.definition.stages:
        state = status.stage_state(stage)
        blocked = "" if state.transition_enabled else f"disabled: {state.transition_disabled_reason or ''}"
        table.add_row(
            Text(stage.name, style="name"),
            execution_view.status_text(state.status, glyphs),
            Text(blocked, style="warn"),
            "",
        )
        for action in stage.actions:
            current = action_state(state, action)
            table.add_row(
                Text(f"  {action.name}"),
                execution_view.status_text(current.status, glyphs),
                Text(_detail(current) or action.provider, style="quiet"),
                Text(_ago(current.last_status_change, now), style="quiet"),
            )
    return table


def _executions(status: PipelineStatus, glyphs: Glyphs, now: datetime) -> Table:
    table = _table(3, wrapped_column=1)
    for execution in status.executions:
        table.add_row(
            _progress(status, execution, glyphs),
            execution_view.execution_line(execution),
            Text(_ago(execution.start_time, now), style="quiet"),
        )
    return table


def _progress(status: PipelineStatus, execution: ExecutionSummary, glyphs: Glyphs) -> Text:
    """Return the status, or the stage that the execution waits to enter: AWS calls that `InProgress` too."""
    stages = (stage.name for stage in status.stages if execution.id in stage.inbound)
    if execution.status.is_running and (stage_name := next(stages, None)):
        return Text(f"{glyphs.waiting} waiting for {stage_name}", style="quiet")
    return execution_view.status_text(execution.status, glyphs)


def _table(columns: int, *, wrapped_column: int) -> Table:
    """Create a table in which only the column `wrapped_column` is wrapped on a narrow screen."""
    table = Table.grid(padding=(0, 2))
    for number in range(columns):
        table.add_column(no_wrap=number != wrapped_column)
    return table


def _detail(action: ActionState) -> str:
    if action.error:
        return error_line(action.error.message)
    if action.summary:
        return summary_line(action.summary)
    return action.revision_id[:_REVISION_CHARACTERS] if action.revision_id else ""


def _ago(moment: datetime | None, now: datetime) -> str:
    return f"{format_duration(now - moment)} ago" if moment else ""
