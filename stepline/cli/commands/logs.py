"""`stepline logs`: show what a function or a job logged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.text import Text

from stepline.aws.batch_jobs import Job, find_job, is_job_id, read_job
from stepline.aws.functions import find_function, list_functions
from stepline.aws.log_events import LogEvent, LogReader, group_name, parse_line
from stepline.aws.polling import new_polling
from stepline.aws.target import Target
from stepline.cli import terminal
from stepline.cli.durations import clock_time, parse_duration
from stepline.cli.options import announced_target, stack_option, target_options

_LEVEL_STYLES = {"ERROR": "bad", "CRITICAL": "bad", "WARNING": "warn", "DEBUG": "quiet", "INFO": "good"}
_RUNTIME_LINES = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")


@dataclass(frozen=True)
class _Log:
    """`nothing` is said if there is nothing to show; `has_ended` tells when there will be no more."""

    reader: LogReader
    nothing: str
    has_ended: Callable[[], bool] = lambda: False


@click.command("logs")
@click.argument("name")
@click.option("--job", "is_job", is_flag=True, help="NAME is a job of AWS Batch: its id or its name.")
@click.option("--follow", "-f", is_flag=True, help="Wait for more, until Ctrl-C or the end of the job.")
@click.option("--since", default="10m", show_default=True, help="How far to look back: 90s, 10m, 2h, 1d.")
@stack_option
@target_options
@click.pass_context
def command(
    ctx: click.Context, /, *, name: str, is_job: bool, follow: bool, since: str, stack_name: str
) -> None:
    """Show what a function or a job logged.

    NAME is a function (its name, its logical id in the stack, or an unambiguous part), the id of a job of
    AWS Batch, or a log group (`/aws/batch/stepline-batch`). A job's log is shown from its beginning.

    A terminal gets structured lines in readable form; a pipe gets each message as it was written.
    """
    begin = datetime.now(UTC) - parse_duration(since)
    target = announced_target(ctx)
    if is_job or is_job_id(name):
        log = _of_job(target, name)
    elif name.startswith("/"):
        log = _Log(LogReader(target.client("logs"), name, begin), _nothing(name, since))
    else:
        log = _of_function(target, name, begin, since, stack_name)
    _print(log, follow=follow, is_local=target.is_local)


def _of_function(target: Target, wanted: str, begin: datetime, since: str, stack_name: str) -> _Log:
    known = list_functions(target.client("lambda"), target.client("cloudformation"), stack_name)
    name = find_function(known, wanted).name
    return _Log(LogReader(target.client("logs"), group_name(name), begin), _nothing(name, since))


def _of_job(target: Target, wanted: str) -> _Log:
    batch = target.client("batch")
    job = find_job(batch, wanted)

    def now() -> Job:
        return job if job.has_ended else read_job(batch, job.id)

    reader = LogReader(
        target.client("logs"), job.log_group, job.created_at, streams=lambda: now().log_streams
    )
    reason = f": {job.status_reason}" if job.status_reason else ""
    return _Log(reader, f"{job.name} ({job.status}{reason}) has logged nothing", lambda: now().has_ended)


def _nothing(name: str, since: str) -> str:
    return f"{name} has logged nothing in the last {since}; --since 1d looks further back"


def _print(log: _Log, *, follow: bool, is_local: bool) -> None:
    output = terminal.output()
    polling = new_polling(is_local=is_local)
    ended = log.has_ended()
    if not _show(log.reader, output) and not (follow and not ended):
        terminal.say(terminal.messages(), log.nothing, style="quiet")
    if not follow or ended:
        return
    for _ in polling.rounds():
        ended = log.has_ended()  # before the last look, so that nothing is missed
        polling.read(lambda: _show(log.reader, output))
        if ended:
            return


def _show(reader: LogReader, output: Console) -> int:
    """Print what is new; the number of messages."""
    shown = 0
    for event in reader.new():
        if output.is_terminal:
            output.print(_pretty(event), soft_wrap=True)
        else:
            terminal.say(output, event.message)
        shown += 1
    return shown


def _pretty(event: LogEvent) -> Text:
    line = parse_line(event.message)
    text = Text(f"{clock_time(event.time)}  ", style="quiet")
    if not line.level:
        return text.append(line.message, style="quiet" if line.message.startswith(_RUNTIME_LINES) else "none")
    text.append(f"{line.level:<8} ", style=_LEVEL_STYLES.get(line.level, "none"))
    text.append(line.message, style="none")
    for key, value in line.fields.items():
        text.append(f"  {key}=", style="quiet")
        text.append(value, style="none")
    return text
