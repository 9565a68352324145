"""How an execution of a pipeline is shown while it runs, and at its end."""

from __future__ import annotations

from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console, RenderableType
from rich.live import Live

from stepline.aws.following import follow
from stepline.aws.pipelines import ExecutionSummary, PipelineDefinition
from stepline.aws.polling import Polling
from stepline.aws.run_failures import failed_actions
from stepline.aws.runs import PipelineRun
from stepline.aws.target import Target
from stepline.cli import run_lines, run_view, terminal
from stepline.core.durations import format_duration

if TYPE_CHECKING:
    pass

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAMES_PER_SECOND = 10
_ROWS_BESIDE_STATES = 6  # headline, blank line, what is above and below on the screen


class LiveView:
    """Draws the run over and over in the same place; the last drawing stays."""

    def __init__(self, output: Console) -> None:
        self._console = output
        self._glyphs = terminal.glyphs(output)
        self._run: PipelineRun | None = None
        self._live = Live(
            console=output,
            get_renderable=self._draw,
            refresh_per_second=_FRAMES_PER_SECOND,
            transient=True,
        )

    def show(self, run: PipelineRun) -> None:
        self._run = run

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._live.stop()
        if self._run:
            terminal.show(self._console, run_view.run(self._run, self._glyphs, _now()))

    def _draw(self) -> RenderableType:
        if self._run is None:
            return ""
        now = _now()
        spinning = self._glyphs.good == "✓"
        busy = _SPINNER[int(now.timestamp() * _FRAMES_PER_SECOND) % len(_SPINNER)] if spinning else None
        others = len(self._run.stages) + len(self._run.actions) + _ROWS_BESIDE_STATES
        max_states = max(1, self._console.height - others)
        return run_view.run(self._run, self._glyphs, now, busy=busy, max_states=max_states)


class LineView:
    """Prints one line for each change."""

    def __init__(self, output: Console) -> None:
        self._console = output
        self._before: PipelineRun | None = None

    def show(self, run: PipelineRun) -> None:
        for line in run_lines.changes(self._before, run, _now()):
            terminal.say(self._console, str(line))
        self._before = run


def watch(
    target: Target,
    definition: PipelineDefinition,
    execution: ExecutionSummary,
    polling: Polling,
    output: Console,
) -> PipelineRun:
    """Follow one execution on `output`: drawn on a terminal, else in lines."""
    if not output.is_terminal:
        return follow(target, definition, execution, polling, LineView(output).show)
    with LiveView(output) as view:
        return follow(target, definition, execution, polling, view.show)


def conclude(run: PipelineRun, target: Target, output: Console) -> None:
    """After the last of the run: why it failed, or that it succeeded."""
    glyphs = terminal.glyphs(output)
    terminal.say(output)
    endpoint = target.endpoint_url if target.is_local else None
    for failed in failed_actions(run, local_endpoint=endpoint):
        terminal.show(output, run_view.failure(failed, glyphs))
        if failed.details:
            terminal.say(output, f"  see    {failed.details}")
    length = format_duration(run.duration(_now()))
    status = run_view.status_text(run.execution.status, glyphs)
    if run.execution.status_summary and not run.execution.status.is_running:
        status.append(f": {run.execution.status_summary}")
    terminal.show(output, status.append(f" after {length}" if length else ""))


def _now() -> datetime:
    return datetime.now(UTC)
