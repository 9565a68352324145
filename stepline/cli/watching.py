"""Shows an execution of a pipeline while it runs, and its result."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.constrain import Constrain
from rich.live import Live

from stepline.aws.approvals import APPROVAL_PROVIDER
from stepline.aws.execution_watch import Show, watch_execution
from stepline.aws.failed_actions import list_failed_actions
from stepline.aws.local_console import console_address, execution_address
from stepline.aws.pipeline_executions import PipelineExecution
from stepline.aws.pipelines import ExecutionSummary, PipelineDefinition
from stepline.aws.polling import Poller, TimeoutPassedError, new_poller
from stepline.aws.statuses import Status
from stepline.aws.target import Target
from stepline.aws.workflow_approvals import WorkflowApproval, list_readable_workflow_approvals
from stepline.cli import execution_lines, execution_view, terminal
from stepline.cli.approval_commands import print_approval, print_workflow_approval
from stepline.cli.exit_codes import ExitCode, exit_code
from stepline.core.approvals import ASKING_STATES
from stepline.core.aws_errors import AWS_FAILURES
from stepline.core.durations import format_duration
from stepline.core.rest_apis import local_invoke_url

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAMES_PER_SECOND = 10
_COLUMNS_FOR_CTRL_C = 3  # the terminal shows ^C behind the drawing: a line break there would add a row
_FREQUENT_LOOKUPS = 10  # of requests for approval; after that, only every tenth poll
_ROWS_BESIDE_STATES = 6  # headline, blank line, and lines above and below


class LiveView:
    """Redraws the execution in the same place; the last drawing stays on the terminal."""

    def __init__(self, output: Console) -> None:
        self._console = output
        self._glyphs = terminal.glyphs(output)
        self._execution: PipelineExecution | None = None
        self._live = Live(
            console=output,
            get_renderable=self._draw,
            refresh_per_second=_FRAMES_PER_SECOND,
            transient=True,
        )

    def show(self, execution: PipelineExecution) -> None:
        self._execution = execution

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._live.stop()
        if self._execution:
            layout = execution_view.execution_layout(self._execution, self._glyphs, _now())
            terminal.print_layout(layout, self._console)

    def _draw(self) -> RenderableType:
        execution = self._execution
        if execution is None:
            return ""
        now = _now()
        has_spinner = self._glyphs is terminal.UNICODE
        busy = _SPINNER[int(now.timestamp() * _FRAMES_PER_SECOND) % len(_SPINNER)] if has_spinner else None
        other_rows = len(execution.stages) + len(execution.actions) + _ROWS_BESIDE_STATES
        max_states = max(1, self._console.height - other_rows)
        layout = execution_view.execution_layout(
            execution, self._glyphs, now, busy=busy, max_states=max_states
        )
        return Constrain(layout, self._console.width - _COLUMNS_FOR_CTRL_C)


class ApprovalView:
    """Prints the command that answers each approval that the execution waits for, once, above the drawing."""

    def __init__(self, target: Target, output: Console, show: Show) -> None:
        self._target = target
        self._console = output
        self._show = show
        self._printed: set[tuple[str, str]] = set()
        self._workflows = WorkflowApprovalView(target, output)

    def show(self, execution: PipelineExecution) -> None:
        self._show(execution)
        self._workflows.show(execution)
        waiting = {
            (stage.name, action.name)
            for stage in execution.stages
            for action in stage.actions
            if action.provider == APPROVAL_PROVIDER and action.status is Status.IN_PROGRESS
        }
        for stage_name, action_name in sorted(waiting - self._printed):
            print_approval(self._console, self._target, execution.pipeline, stage_name, action_name)
        self._printed = waiting


class WorkflowApprovalView:
    """Prints the requests for approval of state machines that the execution runs, each once.

    They are read while a state runs that may wait for an approval: at first with each poll, later seldom, as
    the request can be in a table that the user may not read.
    """

    def __init__(self, target: Target, output: Console) -> None:
        self._target = target
        self._console = output
        self._printed: set[str] = set()
        self._asking: set[tuple[str, int]] = set()
        self._polls = 0

    def show(self, execution: PipelineExecution) -> None:
        arns = {action.external_execution_id for action in execution.actions if action.status.is_running}
        asking = {
            (action.name, visit.id)
            for action in execution.actions
            for visit in action.visits
            if action.status.is_running and visit.exited is None and visit.name in ASKING_STATES
        }
        self._polls = self._polls + 1 if asking == self._asking else 0
        self._asking = asking
        if not asking or (self._polls >= _FREQUENT_LOOKUPS and self._polls % _FREQUENT_LOOKUPS):
            return
        for approval in self._waiting():
            is_own = approval.execution_arn in arns or approval.execution_id == execution.summary.id
            if is_own and approval.id not in self._printed:
                self._printed.add(approval.id)
                print_workflow_approval(self._console, self._target, approval)

    def _waiting(self) -> list[WorkflowApproval]:
        """Return what waits; nothing if it cannot be read now, since the execution is shown all the same."""
        with contextlib.suppress(*AWS_FAILURES):
            return list_readable_workflow_approvals(self._target)
        return []


class LineView:
    """Prints one line for each change."""

    def __init__(self) -> None:
        self._before: PipelineExecution | None = None

    def show(self, execution: PipelineExecution) -> None:
        for line in execution_lines.changes(self._before, execution, _now()):
            terminal.print_result(str(line))
        self._before = execution


def watch(
    target: Target, definition: PipelineDefinition, summary: ExecutionSummary, poller: Poller
) -> PipelineExecution:
    """Show one execution until it has ended: redrawn on a terminal, else in lines."""
    output = terminal.output()
    if not output.is_terminal:
        lines = ApprovalView(target, output, LineView().show)
        return watch_execution(target, definition, summary, poller, lines.show)
    with LiveView(output) as live:
        view = ApprovalView(target, output, live.show)
        return watch_execution(target, definition, summary, poller, view.show)


def watch_and_show_result(
    target: Target,
    definition: PipelineDefinition,
    find: Callable[[Poller], ExecutionSummary],
    *,
    timeout_seconds: float | None,
) -> ExitCode:
    """Show the execution that `find` returns until it ends, and its result. Returns the exit code."""
    poller = new_poller(is_local=target.is_local, timeout_seconds=timeout_seconds)
    try:
        summary = find(poller)
        show_console_link(target, definition, summary)
        try:
            execution = watch(target, definition, summary, poller)
        except KeyboardInterrupt:
            _show_that_it_continues(target, definition, summary)
            raise
    except TimeoutPassedError as error:
        terminal.print_message(f"stepline: {error}; the pipeline continues")
        return ExitCode.TIMED_OUT
    show_result(execution, target)
    return exit_code(execution)


def show_console_link(target: Target, definition: PipelineDefinition, summary: ExecutionSummary) -> None:
    """Show the page of the execution, if a console runs beside the local AWS."""
    if address := execution_address(target, definition.name, summary.id):
        terminal.print_result(f"In the browser: {address}")
        terminal.print_result()


def _show_that_it_continues(
    target: Target, definition: PipelineDefinition, summary: ExecutionSummary
) -> None:
    arguments = [definition.name, f"--execution-id {summary.id}", *target.command_options]
    command = f"{terminal.command_name()} watch {' '.join(arguments)}"
    terminal.print_message(f"The pipeline continues; to show it again: {command}", style="quiet")


def show_result(execution: PipelineExecution, target: Target, *, has_links: bool = True) -> None:
    """Show how the execution has ended, why actions failed, and the outputs of state machines.

    Without links if nothing will be there: the local AWS ends with the command.
    """
    glyphs = terminal.glyphs()
    terminal.print_result()
    endpoint = target.endpoint_url if target.is_local else None
    failures = list_failed_actions(
        execution,
        local_endpoint=endpoint,
        local_console=console_address(target),
        command_options=target.command_options,
    )
    for failed in failures:
        terminal.print_layout(execution_view.failure_layout(failed, glyphs))
        if failed.link and has_links:
            terminal.print_result(f"  see    {failed.link}")
    duration = format_duration(execution.duration(_now()))
    text = execution_view.status_text(execution.status, glyphs)
    if execution.summary.status_summary and not execution.status.is_running:
        text.append(f": {execution.summary.status_summary}")
    terminal.print_layout(text.append(f" after {duration}" if duration else ""))
    if execution.status is Status.SUCCEEDED:
        _show_output_variables(execution, endpoint)


def _show_output_variables(execution: PipelineExecution, local_endpoint: str | None) -> None:
    """Show the output variables of actions that ran a state machine: the outputs of the deployed stack.

    Those that are addresses of REST APIs on AWS are shown with the `local_endpoint`.
    """
    for action in execution.actions:
        if action.state_machine_execution and action.output_variables:
            terminal.print_result()
            values = action.output_variables
            if local_endpoint:
                values = {name: local_invoke_url(value, local_endpoint) for name, value in values.items()}
            layout = execution_view.values_layout(f"Outputs of {action.name}", values)
            terminal.print_layout(layout)


def _now() -> datetime:
    return datetime.now(UTC)
