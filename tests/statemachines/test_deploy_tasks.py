"""The parts of the Deploy tasks, one by one."""

from __future__ import annotations

import functools
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from statemachines.deploy import change_sets, errors
from statemachines.deploy.change_policy import ResourceChange
from statemachines.deploy.errors import MissingCapabilityError, ReplacementRefusedError
from statemachines.deploy.limits import MAX_TEMPLATE_BODY_BYTES
from statemachines.deploy.task import task, translate_for_deploy
from stepline.core import clients
from stepline.core.aws_errors import AwsFailure
from stepline.core.cloudformation.errors import ManualInterventionRequiredError, StackChangedError
from stepline.core.cloudformation.stack_events import first_failure, operation_status
from stepline.core.cloudformation.stack_status import (
    Phase,
    StackStatus,
    manual_intervention_error,
    parse_status,
    phase_of,
)
from stepline.core.errors import SteplineError, TransientAwsError
from stepline.core.limits import MAX_MESSAGE_CHARACTERS, MAX_TEMPLATE_BYTES
from tests.statemachines import cases
from tests.statemachines.fake_client import FakeAwsError, Fault
from tests.statemachines.fake_cloudformation import FakeChangeSet, FakeStack
from tests.statemachines.machine import INPUT, Machine, load_handler

UNIT_CASES = Path(__file__).parent / "unit_cases"
MAX_CAUSE_CHARACTERS = 32_768
ROUNDS = {"waitedSeconds": 0, "waitSeconds": 10}


@functools.cache
def _enum(shape: str) -> list[str]:
    """The values of an enum in botocore's model of CloudFormation."""
    model = botocore.session.get_session().get_service_model("cloudformation")
    values: list[str] = model.shape_for(shape).enum  # type: ignore[attr-defined]
    return values


def _rows(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((UNIT_CASES / f"{name}.json").read_text())
    return rows


# --------------------------------------------------------------------- statuses


def test_statuses_are_those_of_cloudformation() -> None:
    assert sorted(StackStatus) == sorted(_enum("StackStatus"))


@pytest.mark.parametrize("status", StackStatus)
def test_every_status_has_a_phase(status: StackStatus) -> None:
    phase = phase_of(status)
    if status.endswith("_IN_PROGRESS"):
        assert phase is (Phase.DELETE_ONLY if status == "REVIEW_IN_PROGRESS" else Phase.RUNNING)
    else:
        assert phase is not Phase.RUNNING
    if phase is Phase.STUCK:
        assert status in manual_intervention_error("dev-app", status).message
    if phase is Phase.DONE:
        assert status.endswith("_COMPLETE")
        assert "ROLLBACK" not in status


def test_unknown_status_is_refused() -> None:
    with pytest.raises(
        ManualInterventionRequiredError, match='"CREATE_DREAMING", which this version does not know'
    ):
        parse_status("CREATE_DREAMING")


@pytest.mark.parametrize(
    "row", _rows("change_set_statuses"), ids=lambda row: f"{row['status']}-{row['execution']}"
)
def test_change_set_status(row: dict[str, Any]) -> None:
    check = functools.partial(change_sets.check_state, row["status"], row["execution"], row.get("reason", ""))
    if "error" in row:
        with pytest.raises(SteplineError) as caught:
            check()
        assert type(caught.value).__name__ == row["error"]
    else:
        assert check() == row["state"]


def test_change_set_cases_cover_cloudformations_statuses() -> None:
    rows = _rows("change_set_statuses")
    assert {row["status"] for row in rows} >= set(_enum("ChangeSetStatus"))
    assert {row["execution"] for row in rows} == set(_enum("ExecutionStatus"))


# ---------------------------------------------------------------------- changes


@pytest.mark.parametrize("row", _rows("changes"), ids=lambda row: row["why"])
def test_change(row: dict[str, Any]) -> None:
    change = ResourceChange(path="Thing", physical_id="", **row["change"])
    expected = f"Thing ({change.resource_type}) {row['danger']}" if row["danger"] else None
    assert change.danger() == expected


@pytest.mark.parametrize("action", [*_enum("ChangeAction"), "SomethingNew"])
@pytest.mark.parametrize("replacement", ["", *_enum("Replacement"), "SomethingNew"])
@pytest.mark.parametrize("policy", ["", *_enum("PolicyAction")])
def test_only_what_is_known_to_be_harmless_passes(action: str, replacement: str, policy: str) -> None:
    change = ResourceChange("Thing", "A::B::C", action, replacement, policy, "", "")
    harmless = (
        action in {"Add", "Import", "Modify", "SyncWithActual"}
        and replacement in {"", "False"}
        and not policy.startswith("Replace")
    )
    assert (change.danger() is None) == harmless


def _change_set(machine: Machine, name: str, changes: list[dict[str, Any]]) -> FakeChangeSet:
    stack = machine.cloudformation.stack_named("dev-app") or _stack(machine)
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


def _stack(machine: Machine, status: str = "CREATE_COMPLETE") -> FakeStack:
    return machine.cloudformation.add_stack("dev-app", status, cases.template({}), {"EnvironmentName": "dev"})


def _resource(name: str, action: str = "Modify", **more: str) -> dict[str, Any]:
    return {"LogicalResourceId": name, "ResourceType": "A::B::C", "Action": action, **more}


def _inspect(machine: Machine, change_set: FakeChangeSet) -> Any:
    return load_handler("inspect_change_set")(
        {"request": INPUT, "changeSet": {"id": change_set.id, "stackId": change_set.stack.id}}, None
    )


def test_changes_are_counted_over_all_pages(machine: Machine) -> None:
    change_set = _change_set(machine, "many", [_resource(f"R{n}", "Add") for n in range(100)])
    assert _inspect(machine, change_set) == {"changes": 100, "dangerous": 0}
    assert len(machine.cloudformation.called("DescribeChangeSet")) == 34


def test_refusal_of_hundreds_of_resources_is_cut(machine: Machine) -> None:
    change_set = _change_set(machine, "many", [_resource(f"Resource{n}", "Remove") for n in range(500)])
    with pytest.raises(ReplacementRefusedError) as caught:
        _inspect(machine, change_set)
    assert len(caught.value.dangers) == 500
    message = caught.value.message
    assert message.startswith("Resource0 (A::B::C) would be removed from the stack; Resource1")
    assert "more. Nothing was changed." in message
    assert 3_500 < len(message) <= MAX_MESSAGE_CHARACTERS


def test_changes_inside_nested_stacks_are_seen(machine: Machine) -> None:
    innermost = _change_set(machine, "innermost", [_resource("Table", "Remove")])
    nested = {"ResourceType": "AWS::CloudFormation::Stack", "Replacement": "False"}
    inner = _change_set(machine, "inner", [_resource("Deeper", ChangeSetId=innermost.id) | nested])
    outer = _change_set(machine, "outer", [_resource("Nested", ChangeSetId=inner.id) | nested])
    with pytest.raises(ReplacementRefusedError) as caught:
        _inspect(machine, outer)
    assert caught.value.dangers == ("Nested/Deeper/Table (A::B::C) would be removed from the stack",)


def test_nested_stacks_without_end_are_refused(machine: Machine) -> None:
    change_set = _change_set(machine, "circle", [])
    nested = {"ResourceType": "AWS::CloudFormation::Stack", "Replacement": "False"}
    change_set.changes = [_resource("Self", ChangeSetId=change_set.id) | nested]
    with pytest.raises(
        ReplacementRefusedError, match=r"Self/Self.* is a nested stack whose changes cannot be seen"
    ):
        _inspect(machine, change_set)


def test_obsolete_change_set_is_not_inspected(machine: Machine) -> None:
    change_set = _change_set(machine, "old", [])
    change_set.execution_status = "OBSOLETE"
    with pytest.raises(StackChangedError):
        _inspect(machine, change_set)


# ----------------------------------------------------------------------- errors


@pytest.mark.parametrize("row", _rows("aws_errors"), ids=lambda row: f"{row['why']}: {row['code']}")
def test_aws_error(row: dict[str, Any]) -> None:
    error = ClientError(
        {
            "Error": {"Code": row["code"], "Message": row["message"]},
            "ResponseMetadata": {"HTTPStatusCode": row["status"]},  # type: ignore[typeddict-item]
        },
        row["operation"],
    )
    ours = translate_for_deploy(error)
    assert type(ours).__name__ == row["error"]
    assert row["contains"] in ours.message


@pytest.mark.parametrize("error", [ReadTimeoutError(endpoint_url="x"), ConnectTimeoutError(endpoint_url="x")])
def test_broken_connection_is_tried_again(error: AwsFailure) -> None:
    assert isinstance(translate_for_deploy(error), TransientAwsError)


def test_clients_do_not_outlive_their_function() -> None:
    """60 seconds (template.yaml) are enough for one call that is tried as often as it may be."""
    config: Any = clients.client("s3").meta.config
    attempts = config.retries["total_max_attempts"]
    seconds = config.connect_timeout + config.read_timeout
    assert attempts * seconds < 60


@pytest.mark.parametrize("text", ["\x00" * 100_000, "ä" * 100_000, "\n" * 10, '"\\' * 50_000, "🙂" * 100_000])
def test_every_message_fits_a_cause_as_lambda_writes_it(text: str) -> None:
    def work(_event: Any) -> Any:
        raise errors.ChangeSetFailedError(text)

    with pytest.raises(errors.ChangeSetFailedError) as caught:
        task(work)({}, None)
    as_lambda_writes_it = json.dumps({"errorMessage": str(caught.value), "errorType": "x" * 100})
    assert len(as_lambda_writes_it) < MAX_CAUSE_CHARACTERS - 5_000  # the rest is for the stack trace


def test_neither_event_nor_answer_is_logged(machine: Machine, caplog: pytest.LogCaptureFixture) -> None:
    case = {
        "resources": {"Queue": {"Properties": {"FailCreate": "No luck"}}},
        "input": {"parameters": {"Size": "secret-value"}},
    }
    run = cases.run(machine, case)
    assert run.error == "StackCreationFailedError"
    logged = str([vars(record) for record in caplog.records])
    assert "No luck" in logged
    assert "secret-value" not in logged


# ----------------------------------------------------------------------- events


def _event(machine: Machine, stack: FakeStack, name: str, status: str, reason: str, **more: str) -> None:
    stack.events.append(
        {
            "StackId": stack.id,
            "EventId": str(len(stack.events)),
            "StackName": stack.name,
            "LogicalResourceId": name,
            "PhysicalResourceId": more.get("physical_id", ""),
            "ResourceType": more.get("type", "A::B::C"),
            "Timestamp": machine.clock.now(),
            "ResourceStatus": status,
            "ResourceStatusReason": reason,
            "ClientRequestToken": more.get("token", "ours"),
        }
    )


def _first_failure(machine: Machine, stack: FakeStack, since: datetime | None = None) -> str:
    return first_failure(machine.clients["cloudformation"], stack.id, "ours", since=since)


def test_first_failure_is_the_oldest_that_is_no_consequence(machine: Machine) -> None:
    stack = _stack(machine)
    _event(machine, stack, "Before", "UPDATE_FAILED", "Of another operation", token="theirs")
    _event(machine, stack, "Fine", "CREATE_COMPLETE", "")
    _event(machine, stack, "Victim", "CREATE_FAILED", "Resource creation cancelled")
    _event(machine, stack, "Culprit", "UPDATE_FAILED", "Access denied")
    _event(machine, stack, "Later", "CREATE_FAILED", "Also wrong")
    assert _first_failure(machine, stack) == "Culprit (A::B::C): Access denied"


def test_without_a_failed_resource_the_stacks_own_failure_is_told(machine: Machine) -> None:
    stack = _stack(machine)
    stack_type = "AWS::CloudFormation::Stack"
    _event(
        machine,
        stack,
        "dev-app",
        "UPDATE_ROLLBACK_FAILED",
        "Hook said no",
        type=stack_type,
        physical_id=stack.id,
    )
    assert _first_failure(machine, stack) == f"dev-app ({stack_type}): Hook said no"
    assert _first_failure(machine, _stack(machine)) == ""


def test_failure_inside_a_nested_stack_is_followed(machine: Machine) -> None:
    inner = machine.cloudformation.add_stack(
        "inner", "ROLLBACK_COMPLETE", cases.template({}), {"EnvironmentName": "x"}
    )
    outer = _stack(machine)
    _event(
        machine,
        outer,
        "Nested",
        "CREATE_FAILED",
        "Embedded stack was not successfully created",
        type="AWS::CloudFormation::Stack",
        physical_id=inner.id,
    )
    _event(machine, inner, "Table", "CREATE_FAILED", "Name taken", token="of the nested stack")
    assert _first_failure(machine, outer) == "Nested/Table (A::B::C): Name taken"


def test_events_older_than_the_operation_are_not_fetched(machine: Machine) -> None:
    stack = _stack(machine)
    for number in range(300):
        _event(machine, stack, f"R{number}", "UPDATE_COMPLETE", "", token="theirs")
    machine.clock.advance(60)
    since = machine.clock.now()
    _event(machine, stack, "R", "UPDATE_IN_PROGRESS", "")
    client = machine.clients["cloudformation"]
    assert operation_status(client, stack.id, "ours", since=since) is None
    assert len(machine.cloudformation.called("DescribeStackEvents")) == 1
    assert operation_status(client, stack.id, "ours", since=since + timedelta(seconds=1)) is None


# --------------------------------------------------------------------- template


def _large(size: int) -> str:
    """A template of exactly so many bytes, with a character of two bytes in it."""
    frame = json.dumps({**cases.template({}), "Description": "ü"}, ensure_ascii=False)
    return frame.replace('"ü"', '"ü' + "x" * (size - len(frame.encode())) + '"')


@pytest.mark.parametrize("size", [MAX_TEMPLATE_BODY_BYTES, MAX_TEMPLATE_BODY_BYTES + 1, MAX_TEMPLATE_BYTES])
def test_template_of_any_size_is_handed_over(machine: Machine, size: int) -> None:
    run = cases.run(machine, {"template": _large(size)})
    assert run.status == "SUCCEEDED", run.cause
    (call,) = machine.cloudformation.called("CreateStack")
    assert ("TemplateURL" in call) == (size > MAX_TEMPLATE_BODY_BYTES)
    if "TemplateURL" in call:
        assert call["TemplateURL"].startswith("http://s3.test/templates-bucket/templates/")
        assert "?" not in call["TemplateURL"]
        assert len(machine.s3.called("PutObject")) == len(machine.s3.called("DeleteObject")) == 1
    assert not [key for _, key in machine.s3.objects if key.startswith("templates/")]


def test_template_that_is_too_large_is_a_clear_error(machine: Machine) -> None:
    run = cases.run(machine, {"template": _large(MAX_TEMPLATE_BYTES + 1)})
    assert run.error == "ArtifactUnreadableError"
    assert "has 1,000,001 bytes; the limit is 1,000,000." in run.cause


@pytest.mark.parametrize(
    "fault",
    [
        Fault("CreateStack", (1,), FakeAwsError("ValidationError", "no")),
        Fault("GetTemplateSummary", (1,), FakeAwsError("ValidationError", "no")),
        Fault("CreateStack", (1,), FakeAwsError("Throttling", "slow")),
    ],
    ids=lambda fault: f"{fault.operation} {fault.error.code}",
)
def test_temporary_template_is_deleted_when_cloudformation_refuses(machine: Machine, fault: Fault) -> None:
    machine.cloudformation.faults.append(fault)
    cases.run(machine, {"template": _large(MAX_TEMPLATE_BODY_BYTES + 1)})
    assert not [key for _, key in machine.s3.objects if key.startswith("templates/")]


def test_temporary_template_that_stays_behind_does_not_look_like_a_failure(machine: Machine) -> None:
    machine.s3.faults.append(Fault("DeleteObject", (1,), FakeAwsError("AccessDenied", "no", 403)))
    run = cases.run(machine, {"template": _large(MAX_TEMPLATE_BODY_BYTES + 1)})
    assert run.status == "SUCCEEDED"


def test_executions_with_the_same_template_have_objects_of_their_own(machine: Machine) -> None:
    document = cases.prepare(machine, {"template": _large(MAX_TEMPLATE_BODY_BYTES + 1)})
    for name in ("one", "two"):
        machine.run(document, name=name)
    keys = [call["Key"] for call in machine.s3.called("PutObject")]
    assert len(set(keys)) == 2
    assert len({key.split("/")[1] for key in keys}) == 1  # the content's hash


@pytest.mark.parametrize("text", ["", " \n", "\ufeff"])
def test_empty_template_is_named(machine: Machine, text: str) -> None:
    machine.push({"template.json": text})
    run = machine.run(INPUT)
    assert (run.error, run.path[-1]) == ("InvalidInputError", "Failure Clean")
    assert run.cause == 'The template "template.json" in the artifact is empty.'


@pytest.mark.parametrize("character", ["x", "ü", '"'])
def test_outputs_too_large_for_an_execution_do_not_fail_a_deployment(
    machine: Machine, character: str
) -> None:
    """CloudFormation allows more than Step Functions can hold."""
    outputs = {f"Output{n}": {"Value": character * 2000} for n in range(200)}
    run = cases.run(machine, {"template": json.dumps(cases.BASE | {"Outputs": outputs}, ensure_ascii=False)})
    assert run.status == "SUCCEEDED", run.cause
    assert run.output["Output0"] == character * 2000
    assert len(run.output) < len(outputs)


def test_template_that_is_not_utf8(machine: Machine) -> None:
    document = cases.prepare(machine, {})
    machine.push({"template.json": b"Resources: \xff"})
    run = machine.run(document)
    assert (run.error, run.cause) == (
        "InvalidInputError",
        '"template.json" in the artifact is not UTF-8 text.',
    )


# ------------------------------------------------------------------- parameters


def test_parameters_that_nobody_names_keep_their_value(machine: Machine) -> None:
    stack = _stack(machine)
    stack.parameters["Size"] = "7"
    run = cases.run(machine, {"resources": {"Topic": {"Properties": {"More": "1"}}}})
    assert run.output == {"Environment": "dev", "Size": "7"}
    (call,) = machine.cloudformation.called("CreateChangeSet")
    assert call["Parameters"] == [
        {"ParameterKey": "EnvironmentName", "ParameterValue": "dev"},
        {"ParameterKey": "Size", "UsePreviousValue": True},
    ]


@pytest.mark.parametrize("name", ["EnvironmentName", "environmentName"])
def test_environment_name_is_passed_if_the_template_asks(machine: Machine, name: str) -> None:
    body = {"Parameters": {name: {}}, "Resources": {"A": {"Type": "A::B::C"}}}
    cases.run(machine, {"template": json.dumps(body)})
    (call,) = machine.cloudformation.called("CreateStack")
    assert call["Parameters"] == [{"ParameterKey": name, "ParameterValue": "dev"}]


def test_environment_name_is_not_passed_if_the_template_does_not_ask(machine: Machine) -> None:
    cases.run(machine, {"template": json.dumps({"Resources": {"A": {"Type": "A::B::C"}}})})
    (call,) = machine.cloudformation.called("CreateStack")
    assert call["Parameters"] == []


def test_explicit_environment_parameter_wins(machine: Machine) -> None:
    run = cases.run(machine, {"input": {"parameters": {"EnvironmentName": "other"}}})
    assert run.output == {"Environment": "other", "Size": "1"}


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ({}, "arn:aws:iam::000000000000:role/deployer"),
        ({"roleArn": "arn:aws:iam::000000000000:role/mine"}, "arn:aws:iam::000000000000:role/mine"),
    ],
)
def test_role(machine: Machine, role: dict[str, str], expected: str) -> None:
    cases.run(machine, {"input": role, "stack": {"status": "ROLLBACK_COMPLETE"}})
    for operation in ("CreateStack", "DeleteStack"):
        (call,) = machine.cloudformation.called(operation)
        assert call["RoleARN"] == expected


def test_transform_needs_auto_expand(machine: Machine) -> None:
    body = {**cases.template({}), "Transform": "AWS::Serverless-2016-10-31"}
    run = cases.run(machine, {"template": json.dumps(body)})
    assert (run.error, run.path[-1]) == ("MissingCapabilityError", "Failure Clean")
    assert '"capabilities": ["CAPABILITY_AUTO_EXPAND"]' in run.cause


def test_missing_capability_says_what_to_write() -> None:
    error = MissingCapabilityError(["CAPABILITY_IAM"])
    assert error.message == 'The template needs "capabilities": ["CAPABILITY_IAM"] in the input.'


@pytest.mark.parametrize(("type_", "expected"), [("AWS::CloudFormation::Stack", True), ("A::B::C", False)])
def test_nested_stacks_are_asked_for_where_there_are_some(
    machine: Machine, type_: str, *, expected: bool
) -> None:
    _stack(machine)
    cases.run(machine, {"resources": {"More": {"Type": type_}}})
    (call,) = machine.cloudformation.called("CreateChangeSet")
    assert call["IncludeNestedStacks"] is expected
