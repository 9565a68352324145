"""`stepline logs`: show what a function logged."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from rich.console import Console
from rich.text import Text

from stepline.cli import console
from stepline.cli.durations import clock_time, parse_duration
from stepline.cli.functions import find_function, list_functions
from stepline.cli.log_events import LogEvent, LogReader, group_name, parse_line
from stepline.cli.options import announced_target, stack_option, target_options
from stepline.cli.pace import pace

_LEVEL_STYLES = {"ERROR": "bad", "CRITICAL": "bad", "WARNING": "warn", "DEBUG": "quiet", "INFO": "good"}
_RUNTIME_LINES = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")


@click.command("logs")
@click.argument("function")
@click.option("--follow", "-f", is_flag=True, help="Wait for more, until Ctrl-C.")
@click.option("--since", default="10m", show_default=True, help="How far to look back: 90s, 10m, 2h, 1d.")
@stack_option
@target_options
@click.pass_context
def command(ctx: click.Context, /, *, function: str, follow: bool, since: str, stack_name: str) -> None:
    """Show what FUNCTION logged: its name, its logical id in the stack, or an unambiguous part.

    A terminal gets structured lines in readable form; a pipe gets each message as it was written.
    """
    begin = datetime.now(UTC) - parse_duration(since)
    target = announced_target(ctx)
    known = list_functions(target.client("lambda"), target.client("cloudformation"), stack_name)
    name = find_function(known, function).name
    reader = LogReader(target.client("logs"), group_name(name), begin)
    output = console.output()
    rhythm = pace(is_local=target.is_local)
    shown = _show(reader, output)
    if not shown:
        hint = "" if follow else "; --since 1d looks further back"
        console.say(console.messages(), f"{name} has logged nothing in the last {since}{hint}", style="quiet")
    if follow:
        for _ in rhythm.ticks():
            rhythm.patiently(lambda: _show(reader, output))


def _show(reader: LogReader, output: Console) -> int:
    """Print what is new; the number of messages."""
    shown = 0
    for event in reader.new():
        if output.is_terminal:
            output.print(_pretty(event), soft_wrap=True)
        else:
            console.say(output, event.message)
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
