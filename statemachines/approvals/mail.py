"""Writes the message that asks people for an approval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from statemachines.approvals.limits import MAX_MAIL_CHARACTERS, MAX_SUBJECT_CHARACTERS
from stepline.core.executions.arns import ExecutionArn
from stepline.core.fields import JsonObject
from stepline.core.text import cut


@dataclass(frozen=True)
class Mail:
    """What a message says about its subject; the facts about the request and the commands are added.

    `lines` are cut if they are too long. `facts` are more of them, such as ("Change set", its ARN).
    """

    subject: str
    head: str
    lines: Sequence[str]
    tail: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()


def write_mail(request: JsonObject, mail: Mail) -> dict[str, str]:
    """Return `Subject` and `Message` of Publish for the description of a request."""
    head = f"{mail.head}\n\n"
    tail = "\n" + "\n".join([*mail.tail, "", *_facts(request, mail.facts), "", *_commands(request), ""])
    room = MAX_MAIL_CHARACTERS - len(head) - len(tail)
    return {"Subject": cut_ascii(mail.subject), "Message": head + cut("\n".join(mail.lines), room) + tail}


def cut_ascii(text: str) -> str:
    """Return a subject that SNS accepts."""
    plain = text.encode("ascii", "replace").decode()
    return plain if len(plain) <= MAX_SUBJECT_CHARACTERS else plain[: MAX_SUBJECT_CHARACTERS - 3] + "..."


def _facts(request: JsonObject, more: Sequence[tuple[str, str]]) -> Iterator[str]:
    arn = ExecutionArn.parse(request["executionArn"])
    where = " / ".join(request[name] for name in ("stage", "action") if request[name])
    facts: list[tuple[str, Any]] = [
        (
            "Pipeline",
            f"{request['pipelineName']}{f' ({where})' if where else ''}" if request["pipelineName"] else "",
        ),
        ("Pipeline execution", request["pipelineExecutionId"]),
        ("Commit or revision", request["revision"]),
        ("Started by", request["requester"] or f"unknown: {request['requesterUnknownBecause']}"),
        ("Execution", arn.link if arn else request["executionArn"]),
        *more,
    ]
    yield from (f"{name}: {value}" for name, value in facts if value)
    if request["notByRequester"]:
        yield f"Who started the pipeline execution cannot approve this {request['kind']}."


def _commands(request: JsonObject) -> Iterator[str]:
    arn = ExecutionArn.parse(request["executionArn"])
    region = f" --region {arn.region}" if arn else ""
    yield "To approve or reject it:"
    yield f"  stepline approve {request['id']}{region}"
    yield f'  stepline reject {request["id"]}{region} --reason "why"'
