"""Replays invalid changes of templates, each of which CloudFormation refuses or rolls back.

`cases/cloudformation/templates.yaml` has the templates, and each other file cases: a `change` is merged into
the template, in which `<absent>` deletes a member. A `bucket` exists before. `operation` is what a user does
with the result:

`change set`    create a change set for the existing stack, and execute it
`update`        UpdateStack, or CreateStack with `create`
`validate`      ValidateTemplate
"""

from __future__ import annotations

import contextlib
import copy
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError

from tests.localaws.running_server import Server, running_server
from tests.parity.outcome import Outcome
from tests.waiting import wait_for

CASES = Path(__file__).parent / "cases/cloudformation"
ALL_CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_ABSENT = "<absent>"
_SECONDS = 20.0


def replay() -> Iterator[Outcome]:
    """Run all cases on one local AWS."""
    templates = read_templates()
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder)) as server:
        for name, case in sorted(read_cases().items()):
            yield run_case(server, name, case, templates[case["template"]])


def read_cases() -> dict[str, dict[str, Any]]:
    """Return all cases by their names."""
    files = sorted(path for path in CASES.glob("*.yaml") if path.stem != "templates")
    return {f"{path.stem}.{name}": case for path in files for name, case in _read(path).items()}


def read_templates() -> dict[str, dict[str, Any]]:
    return _read(CASES / "templates.yaml")


def run_case(server: Server, name: str, case: Mapping[str, Any], template: Mapping[str, Any]) -> Outcome:
    stack = "".join(part.title() for part in name.replace(".", "_").split("_"))
    seen = _Deployment(server, stack, case).run(template)
    expected = "\n".join(case["expected"])
    return Outcome(name, case["source"], expected, seen, case.get("difference", ""))


class _Deployment:
    """One stack, and the change of its template."""

    def __init__(self, server: Server, stack: str, case: Mapping[str, Any]) -> None:
        self._server = server
        self._client = server.client("cloudformation")
        self._stack = stack
        self._case = case

    def run(self, template: Mapping[str, Any]) -> str:
        """Return what a user sees: the error of the call, or how change set and stack failed."""
        if bucket := self._case.get("bucket"):
            self._server.client("s3").create_bucket(Bucket=bucket)
        changed = json.dumps(merged(template, self._case.get("change", {})))
        operation = self._case["operation"]
        if operation not in {"create", "validate"}:
            self._create(template)
        try:
            return "\n".join(self._attempt(operation, changed))
        except ClientError as error:
            code, message = (error.response["Error"][key] for key in ("Code", "Message"))
            return f"{error.operation_name}: {code}: {message}"

    def _create(self, template: Mapping[str, Any]) -> None:
        arguments = {"StackName": self._stack, "Capabilities": ALL_CAPABILITIES}
        self._client.create_stack(**arguments, TemplateBody=json.dumps(template))
        status = self._wait()
        assert status == "CREATE_COMPLETE", (self._stack, status, list(self._failures()))

    def _attempt(self, operation: str, template: str) -> Iterator[str]:
        arguments = self._arguments(template)
        if operation == "validate":
            self._client.validate_template(TemplateBody=template)
            return
        if operation == "change set":
            reasons = list(self._change_set(arguments))
            yield from reasons
            if reasons:
                return
        elif operation == "create":
            self._client.create_stack(**arguments)
        else:
            self._client.update_stack(**arguments)
        yield self._wait()
        yield from self._failures()
        yield from self._validation_errors(StackName=self._stack)

    def _arguments(self, template: str) -> dict[str, Any]:
        values = self._case.get("parameters", {})
        arguments = {
            "StackName": self._stack,
            "TemplateBody": template,
            "Capabilities": self._case.get("capabilities", ALL_CAPABILITIES),
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
        }
        if self._case.get("disable_validation"):
            arguments["DisableValidation"] = True
        return arguments

    def _change_set(self, arguments: Mapping[str, Any]) -> Iterator[str]:
        """Execute the change set, or yield why it failed."""
        created = self._client.create_change_set(**arguments, ChangeSetName="change")
        described = self._client.describe_change_set(ChangeSetName=created["Id"])
        if described["Status"] == "FAILED":
            yield described["StatusReason"]
            yield from self._validation_errors(ChangeSetName=created["Id"])
        else:
            self._client.execute_change_set(ChangeSetName=created["Id"])

    def _wait(self) -> str:
        def status() -> str:
            (stack,) = self._client.describe_stacks(StackName=self._stack)["Stacks"]
            found: str = stack["StackStatus"]
            return "" if found.endswith("_IN_PROGRESS") else found

        wait_for(status, seconds=_SECONDS)
        return status()

    def _failures(self) -> Iterator[str]:
        events = self._client.describe_stack_events(StackName=self._stack)["StackEvents"]
        for event in reversed(events):
            if event["ResourceStatus"].endswith("_FAILED"):
                name = event["LogicalResourceId"].replace(self._stack, "the stack")
                yield f"{name}: {event['ResourceStatusReason']}"

    def _validation_errors(self, **which: str) -> Iterator[str]:
        with contextlib.suppress(ClientError):
            for event in self._client.describe_events(**which)["OperationEvents"]:
                if event["EventType"] == "VALIDATION_ERROR":
                    yield f"{event['ValidationPath']}: {event['ValidationStatusReason']}"


def merged(template: Any, change: Any) -> Any:
    """Return the template with the members of the change at every depth; lists are replaced."""
    if not isinstance(template, Mapping) or not isinstance(change, Mapping) or _is_function(template, change):
        return copy.deepcopy(change)
    result = dict(template)
    for key, value in change.items():
        if value == _ABSENT:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def _is_function(*nodes: Mapping[str, Any]) -> bool:
    return any(key == "Ref" or key.startswith("Fn::") for node in nodes for key in node)


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    return content
