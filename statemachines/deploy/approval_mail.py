"""Writes the message that asks people to approve a change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from statemachines.deploy.limits import MAX_MAIL_CHARACTERS, MAX_SUBJECT_CHARACTERS
from stepline.core.executions.arns import ExecutionArn
from stepline.core.fields import JsonObject
from stepline.core.text import cut


def mail(request: JsonObject) -> dict[str, str]:
    """Return `Subject` and `Message` of Publish for the description of a request."""
    head, resources, tail = _head(request), list(_resources(request)), _tail(request)
    room = MAX_MAIL_CHARACTERS - len(head) - len(tail)
    return {
        "Subject": cut_ascii(f"Approve a change of the stack {request['stackName']}?"),
        "Message": head + cut("\n".join(resources), room) + tail,
    }


def cut_ascii(text: str) -> str:
    """Return a subject that SNS accepts."""
    plain = text.encode("ascii", "replace").decode()
    return plain if len(plain) <= MAX_SUBJECT_CHARACTERS else plain[: MAX_SUBJECT_CHARACTERS - 3] + "..."


def _head(request: JsonObject) -> str:
    return (
        f"The deployment of the stack {request['stackName']} waits for an approval, because it would remove "
        "or replace resources that hold data or an identity. Nothing has been changed.\n\n"
    )


def _resources(request: JsonObject) -> Iterator[str]:
    for resource in request["resources"]:
        yield f"- {resource['path']} ({resource['type']}) {resource['effect']}"
        yield from (f"    because of {cause}" for cause in resource["causes"])


def _tail(request: JsonObject) -> str:
    more = f"- and {request['omitted']} more, which the change set lists"
    omitted = [more] if request["omitted"] else []
    return "\n" + "\n".join([*omitted, "", *_facts(request), "", *_commands(request), ""])


def _facts(request: JsonObject) -> Iterator[str]:
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
        ("Change set", request["changeSetId"]),
        (
            "Expires",
            f"{request['expiresAt']}: without an answer, the deployment then fails and changes nothing",
        ),
    ]
    yield from (f"{name}: {value}" for name, value in facts if value)
    if request["notByRequester"]:
        yield "Who started the pipeline execution cannot approve this change."


def _commands(request: JsonObject) -> Iterator[str]:
    arn = ExecutionArn.parse(request["executionArn"])
    region = f" --region {arn.region}" if arn else ""
    yield "To approve or reject it:"
    yield f"  stepline approve {request['id']}{region}"
    yield f'  stepline reject {request["id"]}{region} --reason "why"'
