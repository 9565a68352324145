"""`stepline logs`: show the log of a function, a state machine or a Batch job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import click
from rich.console import Console
from rich.text import Text

from stepline.aws.batch_jobs import BatchJob, find_job, is_job_id, list_jobs, read_job
from stepline.aws.functions import UnknownNameError, resolve_function
from stepline.aws.log_events import LogEvent, LogReader, function_log_group, parse_message
from stepline.aws.polling import new_poller
from stepline.aws.state_machines import (
    StateMachine,
    list_state_machines,
    read_state_machine_log,
    resolve_state_machine,
)
from stepline.aws.target import Target
from stepline.cli import terminal
from stepline.cli.function_names import print_functions
from stepline.cli.name_completion import complete_function
from stepline.cli.options import choose_and_show_target, stack_option, target_options
from stepline.cli.times import clock_time, parse_duration

_LEVEL_STYLES = {"ERROR": "bad", "CRITICAL": "bad", "WARNING": "warn", "DEBUG": "quiet", "INFO": "good"}
_LISTED_PERIOD = timedelta(days=1)
_RUNTIME_LINES = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")


@dataclass(frozen=True)
class _Log:
    """`empty_text` is shown if there are no events; `has_ended` returns whether all events are written."""

    reader: LogReader
    empty_text: str
    has_ended: Callable[[], bool] = lambda: False


@click.command("logs")
@click.argument("name", required=False, shell_complete=complete_function)
@click.option("--job", "is_job", is_flag=True, help="NAME is the id or name of an AWS Batch job.")
@click.option("--follow", "-f", is_flag=True, help="Wait for new events until Ctrl-C or the end of the job.")
@click.option("--since", default="10m", show_default=True, help="Show events of the last 90s, 10m, 2h or 1d.")
@stack_option
@target_options
@click.pass_context
def command(
    ctx: click.Context, /, *, name: str | None, is_job: bool, follow: bool, since: str, stack_name: str
) -> None:
    """Show the log of a function, a state machine or a Batch job.

    NAME is a function or a state machine (its name, its logical id, STACK/LOGICAL_ID, or a part of a name or
    logical id), the id of an AWS Batch job, or a log group (`/aws/batch/stepline-batch`). The log of a job is
    shown from its beginning. Without NAME the names of functions and state machines, and of the Batch jobs of
    the last day, are listed.

    Structured messages are formatted on a terminal, and unchanged in a pipe.
    """
    begin = datetime.now(UTC) - parse_duration(since)
    target = choose_and_show_target(ctx)
    if name is None:
        _list_names(target, stack_name)
        return
    if is_job or is_job_id(name):
        log = _log_of_job(target, name)
    elif name.startswith("/"):
        log = _Log(LogReader(target.client("logs"), name, begin), _empty_text(name, since))
    else:
        log = _log_of_program(target, name, begin, since, stack_name)
    _print(log, follow=follow, is_local=target.is_local)


def _list_names(target: Target, stack_name: str) -> None:
    """Print the names of functions, state machines and Batch jobs, those that the command accepts."""
    print_functions(target, stack_name)
    if machines := list_state_machines(target, stack_name):
        terminal.print_message("State machines:", style="quiet")
    for machine in machines:
        terminal.print_result(machine.listed_name(stack_name))
    jobs = list_jobs(target.client("batch"), datetime.now(UTC) - _LISTED_PERIOD)
    if jobs:
        terminal.print_message("Batch jobs of the last day, for --job:", style="quiet")
    for job in jobs:
        terminal.print_result(f"{job['jobName']}  {job.get('status', '')}  {job['jobId']}")


def _log_of_program(target: Target, program: str, begin: datetime, since: str, stack_name: str) -> _Log:
    """Return the log of a function, or of a state machine if no function has that name."""
    try:
        name = resolve_function(target, program, stack_name).name
    except UnknownNameError:
        if (machine := resolve_state_machine(target, program, stack_name)) is None:
            raise
        return _log_of_machine(target, machine, begin, since)
    return _Log(LogReader(target.client("logs"), function_log_group(name), begin), _empty_text(name, since))


def _log_of_machine(target: Target, machine: StateMachine, begin: datetime, since: str) -> _Log:
    log = read_state_machine_log(target.client("stepfunctions"), machine)
    reader = LogReader(
        target.client("logs"), log.group, begin, streams=None, stream_prefix=f"states/{machine.name}/"
    )
    text = _empty_text(machine.name, since)
    return _Log(reader, f"{text}; its log level is {log.level}" if log.level != "ALL" else text)


def _log_of_job(target: Target, id_or_name: str) -> _Log:
    batch = target.client("batch")
    job = find_job(batch, id_or_name)

    def current() -> BatchJob:
        return job if job.has_ended else read_job(batch, job.id)

    reader = LogReader(
        target.client("logs"), job.log_group, job.created_at, streams=lambda: current().log_streams
    )
    reason = f": {job.status_reason}" if job.status_reason else ""
    return _Log(reader, f"{job.name} ({job.status}{reason}) has no log", lambda: current().has_ended)


def _empty_text(name: str, since: str) -> str:
    return f"{name} has logged nothing in the last {since}; try a longer period, such as --since 1d"


def _print(log: _Log, *, follow: bool, is_local: bool) -> None:
    output = terminal.output()
    poller = new_poller(is_local=is_local)

    def print_new() -> bool | None:
        ended = log.has_ended()  # asked before reading, so that no event is missed
        poller.retry(lambda: _print_new(log.reader, output))
        return ended or None

    ended = log.has_ended()
    if not _print_new(log.reader, output) and not (follow and not ended):
        terminal.print_message(log.empty_text, style="quiet")
    if follow and not ended:
        poller.until(print_new)


def _print_new(reader: LogReader, output: Console) -> int:
    """Print new events and return their number."""
    printed = 0
    for event in reader.read_new():
        if output.is_terminal:
            output.print(_format(event), soft_wrap=True)
        else:
            terminal.print_line(output, event.message)
        printed += 1
    return printed


def _format(event: LogEvent) -> Text:
    parsed = parse_message(event.message)
    text = Text(f"{clock_time(event.time)}  ", style="quiet")
    if not parsed.level:
        is_runtime = parsed.message.startswith(_RUNTIME_LINES)
        return text.append(parsed.message, style="quiet" if is_runtime else "none")
    text.append(f"{parsed.level:<8} ", style=_LEVEL_STYLES.get(parsed.level, "none"))
    text.append(parsed.message, style="none")
    for key, value in parsed.fields.items():
        text.append(f"  {key}=", style="quiet")
        text.append(value, style="none")
    return text
