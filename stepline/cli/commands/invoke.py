"""`stepline invoke`: invoke a function with an event."""

from __future__ import annotations

import base64
import json
from typing import IO, Any

import click
from botocore.config import Config

from stepline.aws.functions import find_function, list_functions
from stepline.cli import terminal
from stepline.cli.options import announced_target, stack_option, target_options
from stepline.core.errors import UsageError

# A function may take 15 minutes; an invocation that lasts must not be sent a second time.
_PATIENT = Config(read_timeout=15 * 60 + 10, retries={"total_max_attempts": 1})


@click.command("invoke")
@click.argument("function")
@click.option(
    "--event",
    "-e",
    "file",
    type=click.File("rb"),
    required=True,
    help="File with the event, JSON; - for standard input.",
)
@stack_option
@target_options
@click.pass_context
def command(ctx: click.Context, /, *, function: str, file: IO[bytes], stack_name: str) -> None:
    """Invoke FUNCTION with an event, and print what it answers as JSON.

    The log goes to stderr. Exit code 1 if the function failed.
    """
    event = _checked(file)
    target = announced_target(ctx)
    known = list_functions(target.client("lambda"), target.client("cloudformation"), stack_name)
    name = find_function(known, function).name
    answer = target.new_client("lambda", _PATIENT).invoke(FunctionName=name, Payload=event, LogType="Tail")
    messages = terminal.messages()
    log = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
    for line in log.splitlines():
        terminal.say(messages, line, style="quiet")
    terminal.say(terminal.output(), _readable(answer["Payload"].read()))
    if error := answer.get("FunctionError"):
        terminal.say(messages, f"stepline: {name} failed ({error}); its answer above says why", style="bad")
        ctx.exit(1)


def _checked(file: IO[bytes]) -> bytes:
    event = file.read()
    try:
        json.loads(event)
    except ValueError as error:
        raise UsageError(f"{getattr(file, 'name', 'the event')} is not JSON: {error}") from error
    return event


def _readable(payload: bytes) -> str:
    try:
        document: Any = json.loads(payload or b"null")
    except ValueError:
        return payload.decode(errors="replace")
    return json.dumps(document, indent=2, ensure_ascii=False)
