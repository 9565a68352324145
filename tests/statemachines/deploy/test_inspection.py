"""Which changes of a change set are refused."""

from __future__ import annotations

from typing import Any

import pytest

from statemachines.deploy.change_policy import dangerous_changes
from statemachines.deploy.errors import ReplacementRefusedError
from statemachines.deploy.resource_changes import ResourceChange
from stepline.core.cloudformation.errors import StackChangedError
from stepline.core.limits import MAX_MESSAGE_CHARACTERS
from tests.fakes.cloudformation.change_sets import FakeChangeSet
from tests.statemachines.deploy import case_runner
from tests.statemachines.deploy.machine import INPUT, Machine, load_handler
from tests.statemachines.deploy.test_statuses import enum_of

NESTED_STACK = "AWS::CloudFormation::Stack"
REFUSED_NESTED_STACK = "is a nested stack whose changes cannot be seen, and may remove or replace resources"
NOT_ASKED = {"isNeeded": False}
DECIDED_LATER = "may be removed or replaced, which CloudFormation decides only during the update"


def change(action: str, replacement: str = "", policy_action: str = "", **members: str) -> ResourceChange:
    values: Any = {"resource_type": "A::B::C", **members}
    return ResourceChange(
        "Thing", action=action, replacement=replacement, policy_action=policy_action, **values
    )


def danger(change: ResourceChange) -> str | None:
    return next((str(found) for found in dangerous_changes([change])), None)


@pytest.mark.parametrize(
    ("change", "effect"),
    [
        pytest.param(change("Add"), None, id="added"),
        pytest.param(change("Import"), None, id="imported"),
        pytest.param(change("Modify", "False"), None, id="modified without replacement"),
        pytest.param(change("SyncWithActual"), None, id="template synchronized with the resource"),
        pytest.param(change("Remove"), "would be removed from the stack", id="removed"),
        pytest.param(change("Remove", "", "Delete"), "would be removed from the stack", id="deleted"),
        pytest.param(
            change("Remove", "", "Retain"),
            "would be removed from the stack, though not deleted",
            id="retained",
        ),
        pytest.param(change("Modify", "True"), "would be replaced", id="replaced"),
        pytest.param(change("Modify", "Conditional"), "may be replaced", id="perhaps replaced"),
        pytest.param(change("Modify", "", "ReplaceAndDelete"), "would be replaced", id="policy replaces"),
        pytest.param(change("Modify", "True", "ReplaceAndRetain"), "would be replaced", id="policy retains"),
        pytest.param(change("Dynamic"), DECIDED_LATER, id="decided during the update"),
        pytest.param(change("Delete"), "would be changed in an unknown way (Delete, )", id="unknown action"),
        pytest.param(
            change("Modify", "Perhaps"),
            "would be changed in an unknown way (Modify, Perhaps)",
            id="unknown replacement",
        ),
        pytest.param(
            change("Modify", "False", resource_type=NESTED_STACK, change_set_id="arn:aws:cloudformation:::x"),
            None,
            id="nested stack with a change set",
        ),
        pytest.param(
            change("Modify", "False", resource_type=NESTED_STACK),
            REFUSED_NESTED_STACK,
            id="nested stack without a change set",
        ),
        pytest.param(change("Add", resource_type=NESTED_STACK), None, id="new nested stack"),
    ],
)
def test_dangerous_changes_are_described(change: ResourceChange, effect: str | None) -> None:
    assert danger(change) == (f"Thing ({change.resource_type}) {effect}" if effect else None)


@pytest.mark.parametrize("action", [*enum_of("ChangeAction"), "SomethingNew"])
@pytest.mark.parametrize("replacement", ["", *enum_of("Replacement"), "SomethingNew"])
@pytest.mark.parametrize("policy", ["", *enum_of("PolicyAction")])
def test_only_changes_known_as_harmless_are_allowed(action: str, replacement: str, policy: str) -> None:
    harmless = (
        action in {"Add", "Import", "Modify", "SyncWithActual"}
        and replacement in {"", "False"}
        and not policy.startswith("Replace")
    )
    assert (danger(change(action, replacement, policy)) is None) == harmless


def add_change_set(machine: Machine, name: str, changes: list[dict[str, Any]]) -> FakeChangeSet:
    cloudformation = machine.cloudformation
    stack = cloudformation.stack_named("dev-app") or cloudformation.add_stack(
        "dev-app", "CREATE_COMPLETE", case_runner.template({}), {"EnvironmentName": "dev"}
    )
    change_set = FakeChangeSet(
        id=f"arn:aws:cloudformation:us-east-1:000000000000:changeSet/{name}/1",
        name=name,
        stack=stack,
        created=machine.clock.now(),
        status="CREATE_COMPLETE",
        execution_status="AVAILABLE",
        reason="",
        template={},
        parameters={},
        tags=None,
        changes=changes,
        arguments={},
    )
    machine.cloudformation.change_sets[change_set.id] = change_set
    return change_set


def _resource(name: str, action: str = "Modify", **more: str) -> dict[str, Any]:
    return {"LogicalResourceId": name, "ResourceType": "A::B::C", "Action": action, **more}


def _inspect(machine: Machine, change_set: FakeChangeSet) -> Any:
    return load_handler("inspect_change_set")(
        {"request": INPUT, "changeSet": {"id": change_set.id, "stackId": change_set.stack.id}}, None
    )


def test_changes_on_all_pages_are_counted(machine: Machine) -> None:
    change_set = add_change_set(machine, "many", [_resource(f"R{n}", "Add") for n in range(100)])
    assert _inspect(machine, change_set) == {"changes": 100, "summary": "", "approval": NOT_ASKED}
    assert len(machine.cloudformation.called("DescribeChangeSet")) == 34


def test_message_about_hundreds_of_resources_is_shortened(machine: Machine) -> None:
    change_set = add_change_set(machine, "many", [_resource(f"Resource{n}", "Remove") for n in range(500)])
    with pytest.raises(ReplacementRefusedError) as caught:
        _inspect(machine, change_set)
    assert len(caught.value.dangers) == 500
    message = caught.value.message
    assert message.startswith("Resource0 (A::B::C) would be removed from the stack; Resource1")
    assert "more. Nothing was changed." in message
    assert 3_500 < len(message) <= MAX_MESSAGE_CHARACTERS


def test_changes_inside_nested_stacks_are_inspected(machine: Machine) -> None:
    innermost = add_change_set(machine, "innermost", [_resource("Table", "Remove")])
    nested = {"ResourceType": NESTED_STACK, "Replacement": "False"}
    inner = add_change_set(machine, "inner", [_resource("Deeper", ChangeSetId=innermost.id) | nested])
    outer = add_change_set(machine, "outer", [_resource("Nested", ChangeSetId=inner.id) | nested])
    with pytest.raises(ReplacementRefusedError) as caught:
        _inspect(machine, outer)
    assert caught.value.dangers == ("Nested/Deeper/Table (A::B::C) would be removed from the stack",)


def test_circle_of_nested_stacks_is_refused(machine: Machine) -> None:
    change_set = add_change_set(machine, "circle", [])
    nested = {"ResourceType": NESTED_STACK, "Replacement": "False"}
    change_set.changes = [_resource("Self", ChangeSetId=change_set.id) | nested]
    with pytest.raises(
        ReplacementRefusedError, match=r"Self/Self.* is a nested stack whose changes cannot be seen"
    ):
        _inspect(machine, change_set)


def test_obsolete_change_set_is_an_error(machine: Machine) -> None:
    change_set = add_change_set(machine, "old", [])
    change_set.execution_status = "OBSOLETE"
    with pytest.raises(StackChangedError):
        _inspect(machine, change_set)


def _detail(name: str, *, recreation: str = "Always", **more: str) -> dict[str, Any]:
    target = {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation}
    return {"Target": target, "Evaluation": "Dynamic", "ChangeSource": "ResourceAttribute", **more}


def _consumer(*details: dict[str, Any]) -> dict[str, Any]:
    return _resource("Consumer", Replacement="Conditional") | {"Details": list(details)}


def _producer(*properties: str, **more: Any) -> dict[str, Any]:
    details = [_detail(name, recreation="Never", ChangeSource="DirectModification") for name in properties]
    modified = {"ResourceType": "AWS::SQS::Queue", "Replacement": "False", "Details": details, **more}
    return _resource("Producer") | modified


ARN = _detail("SourceArn", CausingEntity="Producer.Arn")
TEXT = _detail("Description", recreation="Never", CausingEntity="Producer.QueueName")


def test_arn_of_a_resource_that_is_updated_in_place_replaces_nothing(machine: Machine) -> None:
    """CloudFormation says Conditional for what has the ARN of any resource that changes."""
    changes = [_producer("VisibilityTimeout"), _consumer(ARN, TEXT)]
    assert _inspect(machine, add_change_set(machine, "c", changes)) == {
        "changes": 2,
        "summary": "",
        "approval": NOT_ASKED,
    }


@pytest.mark.parametrize(
    ("producer", "details"),
    [
        pytest.param(_producer("X", Replacement="True"), [ARN], id="the resource is replaced, too"),
        pytest.param(_producer("X", Replacement="Conditional"), [ARN], id="may be replaced, too"),
        pytest.param(_producer("RepositoryName"), [ARN], id="the resource is renamed"),
        pytest.param(_producer("Path"), [ARN], id="the resource gets another path"),
        pytest.param(_producer(ResourceType="Custom::Thing"), [ARN], id="custom resource"),
        pytest.param(_producer(ResourceType=NESTED_STACK, ChangeSetId="x"), [ARN], id="nested stack"),
        pytest.param(_producer(), [_detail("A", CausingEntity="Producer.Name")], id="another attribute"),
        pytest.param(_producer(), [_detail("A", CausingEntity="Other.Arn")], id="another resource"),
        pytest.param(_producer(), [ARN, _detail("A", ChangeSource="DirectModification")], id="also directly"),
        pytest.param(_producer(), [ARN, _detail("A", recreation="Conditionally")], id="also conditionally"),
        pytest.param(_producer(), [{**ARN, "Evaluation": "Static"}], id="static"),
        pytest.param(_producer(), [{**ARN, "Target": {"Name": "A"}}, {}], id="unknown recreation"),
        pytest.param(_producer(), [TEXT], id="no cause"),
        pytest.param(_producer(), [], id="no details"),
    ],
)
def test_other_conditional_replacement_is_refused(
    machine: Machine, producer: dict[str, Any], details: list[dict[str, Any]]
) -> None:
    add_change_set(machine, "x", []).id = "x"
    change_set = add_change_set(machine, "c", [producer, _consumer(*details)])
    with pytest.raises(ReplacementRefusedError, match=r"Consumer \(A::B::C\) may be replaced"):
        _inspect(machine, change_set)
