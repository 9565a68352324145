"""Finding an execution of a pipeline, and following it to its end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from botocore.config import Config
from rich.console import Console, RenderableType
from rich.live import Live

from stepline.aws.pipelines import ExecutionSummary, PipelineDefinition, latest_executions, pipeline_execution
from stepline.aws.polling import Polling
from stepline.aws.run_failures import failed_actions
from stepline.aws.runs import PipelineRun, RunReader
from stepline.aws.target import Target
from stepline.cli import run_lines, run_view, terminal
from stepline.core.durations import format_duration

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient
    from mypy_boto3_stepfunctions import SFNClient

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAMES_PER_SECOND = 10
_ROWS_BESIDE_STATES = 6  # headline, blank line, what is above and below on the screen


class View(Protocol):
    """Shows a run each time something may have changed."""

    def show(self, run: PipelineRun) -> None: ...


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


def follow(reader: RunReader, view: View, polling: Polling) -> PipelineRun:
    """Show the run until it is over. Raises TimeoutPassedError if that takes too long."""
    for _ in polling.rounds():
        run = polling.read(reader.read)
        view.show(run)
        if run.execution.status.is_over:
            return run
    raise AssertionError("rounds never end by themselves")


def watch(
    target: Target,
    definition: PipelineDefinition,
    execution: ExecutionSummary,
    polling: Polling,
    output: Console,
) -> PipelineRun:
    """Follow one execution on `output`: drawn on a terminal, else in lines."""
    reader = RunReader(target.client("codepipeline"), _by_region(target), definition, execution)
    if not output.is_terminal:
        return follow(reader, LineView(output), polling)
    with LiveView(output) as view:
        return follow(reader, view, polling)


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


def _now() -> datetime:
    return datetime.now(UTC)
