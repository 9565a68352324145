"""How `stepline status` looks."""

from __future__ import annotations

from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stepline.aws.pipeline_status import PipelineStatus, action_state
from stepline.aws.pipelines import ActionState, ExecutionSummary
from stepline.cli import run_view
from stepline.cli.summaries import headline, reason
from stepline.cli.terminal import Glyphs
from stepline.core.durations import format_duration

_REVISION = 8  # characters


def pipeline(status: PipelineStatus, glyphs: Glyphs, now: datetime) -> RenderableType:
    """One pipeline: its stages and actions, then its latest executions."""
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
    table = _table(4, wrapped=2)
    for stage in status.definition.stages:
        state = status.state_of(stage)
        blocked = "" if state.transition_enabled else f"closed: {state.transition_disabled_reason or ''}"
        table.add_row(
            Text(stage.name, style="name"),
            run_view.status_text(state.status, glyphs),
            Text(blocked, style="warn"),
            "",
        )
        for action in stage.actions:
            current = action_state(state, action)
            table.add_row(
                Text(f"  {action.name}"),
                run_view.status_text(current.status, glyphs),
                Text(_detail(current) or action.provider, style="quiet"),
                Text(_ago(current.last_status_change, now), style="quiet"),
            )
    return table


def _executions(status: PipelineStatus, glyphs: Glyphs, now: datetime) -> Table:
    table = _table(3, wrapped=1)
    for execution in status.executions:
        table.add_row(
            _progress(status, execution, glyphs),
            run_view.execution_line(execution),
            Text(_ago(execution.start_time, now), style="quiet"),
        )
    return table


def _progress(status: PipelineStatus, execution: ExecutionSummary, glyphs: Glyphs) -> Text:
    """CodePipeline says `in progress` also of an execution that waits for its turn, or for a transition."""
    waits = (stage.name for stage in status.stages if execution.id in stage.waiting)
    if execution.status.is_running and (stage_name := next(waits, None)):
        return Text(f"{glyphs.waiting} waits before {stage_name}", style="quiet")
    return run_view.status_text(execution.status, glyphs)


def _table(columns: int, *, wrapped: int) -> Table:
    """A table whose column number `wrapped` gives way when the screen is narrow."""
    table = Table.grid(padding=(0, 2))
    for number in range(columns):
        table.add_column(no_wrap=number != wrapped)
    return table


def _detail(action: ActionState) -> str:
    if action.error:
        return reason(action.error.message)
    if action.summary:
        return headline(action.summary)
    return action.revision_id[:_REVISION] if action.revision_id else ""


def _ago(moment: datetime | None, now: datetime) -> str:
    return f"{format_duration(now - moment)} ago" if moment else ""
