"""Deploys templates to a running local AWS, through change sets as pipelines do."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.localaws.running_server import Server
from tests.waiting import wait_for

Template = Mapping[str, Any]
Change = Mapping[str, Any]
_CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


def resources(**definitions: Any) -> dict[str, Any]:
    """Return a template with these resources: logical id -> (type, properties)."""
    return {
        "Resources": {
            name: {"Type": item[0], "Properties": item[1]} if isinstance(item, tuple) else item
            for name, item in definitions.items()
        }
    }


def _new_name() -> str:
    return f"n-{uuid.uuid4().hex[:8]}"


@dataclass
class Deployment:
    """One stack of the server."""

    client: Any
    name: str = field(default_factory=_new_name)
    change_set: str = ""

    @classmethod
    def on(cls, server: Server) -> Deployment:
        return cls(server.client("cloudformation"))

    def create(self, template: Template, **parameters: str) -> Deployment:
        self.client.create_stack(StackName=self.name, **_arguments(template, parameters))
        assert self.status() == "CREATE_COMPLETE", self.reasons()
        return self

    def create_failing(self, template: Template, **parameters: str) -> list[str]:
        """Return the reasons why the stack could not be created."""
        self.client.create_stack(StackName=self.name, **_arguments(template, parameters))
        assert self.status() == "ROLLBACK_COMPLETE"
        return self.reasons()

    def preview(
        self, template: Template, *, nested: bool = True, tags: Any = None, **parameters: str
    ) -> dict[str, Change]:
        """Return the changes of a new change set by logical id. `tags` are those of the stack."""
        tagged = {} if tags is None else {"Tags": tags}
        self.change_set = _new_name()
        self.client.create_change_set(
            StackName=self.name,
            ChangeSetName=self.change_set,
            IncludeNestedStacks=nested,
            **_arguments(template, parameters),
            **tagged,
        )
        answer = self.client.describe_change_set(StackName=self.name, ChangeSetName=self.change_set)
        changes = [change["ResourceChange"] for change in answer["Changes"]]
        return {change["LogicalResourceId"]: change for change in changes}

    def execute(self) -> Deployment:
        """Execute the change set of `preview`."""
        self.client.execute_change_set(StackName=self.name, ChangeSetName=self.change_set)
        assert self.status() == "UPDATE_COMPLETE", self.reasons()
        return self

    def update(self, template: Template, **parameters: str) -> dict[str, Change]:
        """Preview and execute; return the changes."""
        changes = self.preview(template, nested=True, tags=None, **parameters)
        self.execute()
        return changes

    def delete(self) -> None:
        stack_id = self._description()["StackId"]
        self.client.delete_stack(StackName=self.name)

        def deleted() -> bool:
            (stack,) = self.client.describe_stacks(StackName=stack_id)["Stacks"]
            return str(stack["StackStatus"]) == "DELETE_COMPLETE"

        wait_for(deleted)

    def status(self) -> str:
        """Wait for the end of the operation."""
        wait_for(lambda: not self._description()["StackStatus"].endswith("_IN_PROGRESS"))
        return str(self._description()["StackStatus"])

    def outputs(self) -> dict[str, str]:
        return {output["OutputKey"]: output["OutputValue"] for output in self._description()["Outputs"]}

    def physical_ids(self) -> dict[str, str]:
        found = self.client.describe_stack_resources(StackName=self.name)["StackResources"]
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}

    def reasons(self) -> list[str]:
        """Return the reasons of what failed, oldest first."""
        events = self.client.describe_stack_events(StackName=self.name)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
        return [event.get("ResourceStatusReason", "") for event in reversed(failed)]

    def _description(self) -> Any:
        return self.client.describe_stacks(StackName=self.name)["Stacks"][0]


def _arguments(template: Template, parameters: Mapping[str, str]) -> dict[str, Any]:
    values = [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
    return {"TemplateBody": json.dumps(template), "Parameters": values, "Capabilities": _CAPABILITIES}
