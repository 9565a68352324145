"""Change sets that change anything but one definition are rejected."""

from __future__ import annotations

from typing import Any

import pytest

from stepline.core.errors import UsageError
from stepline.workflow.inspection import check_changes, check_parameters, check_templates

MACHINE = "AWS::StepFunctions::StateMachine"


def change(**members: Any) -> Any:
    """Return a change of the definition alone, as AWS returns it, with other `members`."""
    detail = {
        "Target": {"Attribute": "Properties", "Name": "DefinitionString", "RequiresRecreation": "Never"},
        "Evaluation": "Static",
        "ChangeSource": "DirectModification",
    }
    resource = {
        "Action": "Modify",
        "LogicalResourceId": "Workflow",
        "ResourceType": MACHINE,
        "Replacement": "False",
        "Scope": ["Properties"],
        "Details": [detail],
    }
    return {"Type": "Resource", "ResourceChange": {**resource, **members}}


def detail(name: str, attribute: str = "Properties") -> dict[str, Any]:
    return {"Target": {"Attribute": attribute, "Name": name}}


def test_change_of_the_definition_is_accepted() -> None:
    check_changes([change()], "Workflow")
    check_changes([change(Details=[detail("Definition"), detail("DefinitionString")])], "Workflow")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([change(LogicalResourceId="Other")], f"Other ({MACHINE}): Modify"),
        (
            [change(), change(LogicalResourceId="Queue", ResourceType="AWS::SQS::Queue", Action="Add")],
            "Queue",
        ),
        ([change(ResourceType="AWS::SQS::Queue")], "Workflow (AWS::SQS::Queue): Modify"),
        ([change(Action="Remove")], "Remove"),
        ([change(Replacement="True")], "replacement True"),
        ([change(Replacement="Conditional")], "replacement Conditional"),
        ([change(Details=[detail("DefinitionString"), detail("RoleArn")])], ": RoleArn"),
        ([change(Details=[detail("LoggingConfiguration")])], "LoggingConfiguration"),
        ([change(Details=[detail("DefinitionSubstitutions")])], "DefinitionSubstitutions"),
        ([change(Scope=["Properties", "Tags"])], ": Tags"),
        ([change(Details=[detail("", "Metadata")])], "Metadata"),
        ([change(Details=[])], "unknown properties"),
        ([{"Type": "Hook"}], "a change of type Hook"),
    ],
)
def test_other_changes_are_rejected_and_listed(changes: list[Any], message: str) -> None:
    with pytest.raises(UsageError, match="nothing was changed") as caught:
        check_changes(changes, "Workflow")
    assert any(message in line for line in caught.value.details)


def test_change_set_without_changes_is_rejected() -> None:
    with pytest.raises(UsageError, match="does not change Workflow"):
        check_changes([], "Workflow")


def template(**members: Any) -> dict[str, Any]:
    workflow = {"Type": MACHINE, "Properties": {"RoleArn": "r", "DefinitionString": "{}"}}
    return {"Resources": {"Workflow": workflow, "Queue": {"Type": "AWS::SQS::Queue"}}, **members}


def test_template_may_differ_in_the_definition() -> None:
    after = template()
    after["Resources"]["Workflow"]["Properties"]["DefinitionString"] = "another"
    before = template()
    before["Resources"]["Workflow"]["Properties"] = {"RoleArn": "r", "Definition": {"StartAt": "A"}}
    check_templates(before, after, "Workflow")


@pytest.mark.parametrize(
    ("change_it", "path"),
    [
        (lambda t: t.update(Outputs={"Url": {"Value": "elsewhere"}}), "Outputs.Url.Value"),
        (lambda t: t["Resources"]["Queue"].update(DeletionPolicy="Delete"), "Resources.Queue.DeletionPolicy"),
        (
            lambda t: t["Resources"]["Workflow"].update(DeletionPolicy="Retain"),
            "Resources.Workflow.DeletionPolicy",
        ),
        (
            lambda t: t["Resources"]["Workflow"]["Properties"].update(RoleArn="another"),
            "Resources.Workflow.Properties.RoleArn",
        ),
        (lambda t: t["Resources"].pop("Queue"), "Resources.Queue"),
    ],
    ids=["output", "policy", "policy of the machine", "role", "removal"],
)
def test_template_that_differs_elsewhere_is_rejected(change_it: Any, path: str) -> None:
    after = template()
    change_it(after)
    before = template(Outputs={"Url": {"Value": "here"}}) if "Outputs" in path else template()
    with pytest.raises(UsageError, match="more than the definition would change") as caught:
        check_templates(before, after, "Workflow")
    assert path in caught.value.details


def test_other_parameters_that_change_are_rejected_without_values() -> None:
    before, own = {"Key": "", "Size": "1", "Gone": "x"}, ("Key", "Version")
    check_parameters(before, {**before, "Key": "k", "Version": "v"}, own)
    with pytest.raises(UsageError, match="these parameters would change: Gone, Size") as caught:
        check_parameters(before, {"Key": "k", "Size": "S3CR3T"}, own)
    assert "S3CR3T" not in str(caught.value)
