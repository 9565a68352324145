"""`stepline invoke`: invoke a function with an event."""

from __future__ import annotations

import base64
import fcntl
import json
import sys
import termios
from array import array
from typing import Any

import click
from botocore.config import Config
from click.core import ParameterSource

from stepline.aws.functions import resolve_function
from stepline.cli import terminal
from stepline.cli.function_names import print_functions
from stepline.cli.name_completion import complete_function
from stepline.cli.options import choose_and_show_target, stack_option, target_options
from stepline.core.errors import UsageError

# A function may run for 15 minutes, and must not be invoked a second time meanwhile.
_CONFIG = Config(read_timeout=15 * 60 + 10, retries={"total_max_attempts": 1})

_JOB_KEY = "CodePipeline.job"
_JOB_NOTE = (
    "The event has a job of CodePipeline: the function returns null, whatever becomes of the job, and "
    "reports its result to CodePipeline, which does not know a made-up job. The reason of a failure is in "
    "the log above; a job with a valid input starts an execution."
)


@click.command("invoke")
@click.argument("function", required=False, shell_complete=complete_function)
@click.option(
    "--event",
    "-e",
    "event",
    default="{}",
    show_default=True,
    help="Event: a JSON file, - for standard input, or the JSON itself.",
)
@stack_option
@target_options
@click.pass_context
def command(ctx: click.Context, /, *, function: str | None, event: str, stack_name: str) -> None:
    """Invoke FUNCTION with an event and print its response as JSON.

    FUNCTION is a name, a logical id, STACK/LOGICAL_ID, or a part of a name or logical id. Without FUNCTION
    the names of functions are listed. The log goes to stderr. The exit code is 1 if the function failed.
    """
    payload = _read_event(event)
    target = choose_and_show_target(ctx)
    if function is None:
        print_functions(target, stack_name)
        return
    if ctx.get_parameter_source("event") is ParameterSource.DEFAULT and _has_unread_input():
        terminal.print_message("Standard input is not sent: use -e - for that.", style="warn")
    name = resolve_function(target, function, stack_name).name
    response = target.new_client("lambda", _CONFIG).invoke(FunctionName=name, Payload=payload, LogType="Tail")
    log = base64.b64decode(response.get("LogResult", "")).decode(errors="replace")
    for line in log.splitlines():
        terminal.print_message(line, style="quiet")
    if _has_job(payload):
        terminal.print_message(_JOB_NOTE, style="warn")
    terminal.print_result(_format_payload(response["Payload"].read()))
    if error := response.get("FunctionError"):
        terminal.print_message(f"stepline: {name} failed ({error}); see its response above", style="bad")
        ctx.exit(1)


def _has_unread_input() -> bool:
    """Whether data wait in standard input, such as those of a pipe. They may be those of a shell's loop."""
    count = array("i", [0])
    try:
        fcntl.ioctl(sys.stdin.fileno(), termios.FIONREAD, count)
    except (OSError, ValueError):  # it is closed, or has no such state
        return False
    return not sys.stdin.isatty() and count[0] > 0


def _read_event(event: str) -> bytes:
    """Return `event` itself if it begins like JSON, or else the JSON of that file. Raises UsageError."""
    if event.lstrip()[:1] in set('{["'):
        name, document = "the event", event.encode()
    else:
        with click.File("rb").convert(event, None, click.get_current_context()) as file:
            name, document = getattr(file, "name", "the event"), file.read()
    try:
        json.loads(document)
    except ValueError as error:
        raise UsageError(f"{name} is not JSON: {error}") from error
    return document


def _format_payload(payload: bytes) -> str:
    try:
        document: Any = json.loads(payload or b"null")
    except ValueError:
        return payload.decode(errors="replace")
    return json.dumps(document, indent=2, ensure_ascii=False)


def _has_job(payload: bytes) -> bool:
    event = json.loads(payload)
    return isinstance(event, dict) and _JOB_KEY in event
