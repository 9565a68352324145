"""Executions: started, stopped, described and listed; their histories and status events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepline.localaws.clock import VirtualClock
from stepline.localaws.protocol import in_process_client
from stepline.localaws.stepfunctions import settings
from tests.in_process_functions import LambdaContext
from tests.localaws.stepfunctions.service import build_stepfunctions
from tests.localaws.stepfunctions.world import (
    MACHINE_ARN,
    PASS,
    ROLE_ARN,
    WAIT,
    Outcome,
    State,
    World,
    error_of,
    task,
)


def test_start_with_same_name_and_input_returns_the_running_execution(world: World) -> None:
    arn = world.create(WAIT)
    first = world.client.start_execution(stateMachineArn=arn, name="job-1", input='{"a":1}')
    second = world.client.start_execution(stateMachineArn=arn, name="job-1", input='{"a":1}')
    assert (
        first["executionArn"] == second["executionArn"] == f"{arn.replace('stateMachine', 'execution')}:job-1"
    )
    assert first["startDate"] == second["startDate"]
    assert world.statuses() == ["RUNNING"]


@pytest.mark.parametrize("text", ['{"a": 1}', '{"a":2}'])
def test_start_with_same_name_and_other_input_is_refused(world: World, text: str) -> None:
    arn = world.create(WAIT)
    execution = world.client.start_execution(stateMachineArn=arn, name="job-1", input='{"a":1}')
    error = error_of(world.client.start_execution, stateMachineArn=arn, name="job-1", input=text)
    assert error == ("ExecutionAlreadyExists", f"Execution Already Exists: '{execution['executionArn']}'")


def test_name_of_a_closed_execution_is_free_after_ninety_days(world: World) -> None:
    arn = world.create(PASS)
    world.start(arn, name="job-1")
    world.virtual_clock.advance(89 * 86_400)
    assert error_of(world.client.start_execution, stateMachineArn=arn, name="job-1", input="{}")[0] == (
        "ExecutionAlreadyExists"
    )
    world.virtual_clock.advance(2 * 86_400)
    world.start(arn, name="job-1")


@pytest.mark.parametrize("name", ["a b", "a/b", "a:b", "a#b", "a\u007fb"])
def test_invalid_name_is_refused(world: World, name: str) -> None:
    arn = world.create(PASS)
    error = error_of(world.client.start_execution, stateMachineArn=arn, name=name)
    assert error == ("InvalidName", f"Invalid Name: '{name}'")


def test_input_that_is_not_json_is_refused(world: World) -> None:
    arn = world.create(PASS)
    code, message = error_of(world.client.start_execution, stateMachineArn=arn, input="{a}")
    assert code == "InvalidExecutionInput"
    assert message.startswith("Invalid State Machine Execution Input: '")


def test_input_is_limited_in_bytes(world: World) -> None:
    arn = world.create(PASS)
    world.start(arn, "x" * (262_144 - 2))
    two_bytes_each = json.dumps("ü" * 131_072, ensure_ascii=False)
    assert len(two_bytes_each) < 262_144
    code, _ = error_of(world.client.start_execution, stateMachineArn=arn, input=two_bytes_each)
    assert code == "InvalidExecutionInput"


def test_absent_input_is_an_empty_object(world: World) -> None:
    arn = world.create(PASS)
    execution = world.client.start_execution(stateMachineArn=arn)["executionArn"]
    world.virtual_clock.run()
    assert Outcome(world, execution).description["input"] == "{}"


def test_unknown_machines_and_executions_are_refused(world: World) -> None:
    execution_arn = MACHINE_ARN.replace("stateMachine", "execution") + ":none"
    assert error_of(world.client.start_execution, stateMachineArn=MACHINE_ARN) == (
        "StateMachineDoesNotExist",
        f"State Machine Does Not Exist: '{MACHINE_ARN}'",
    )
    for call in (
        world.client.describe_execution,
        world.client.stop_execution,
        world.client.get_execution_history,
        world.client.redrive_execution,
        world.client.describe_state_machine_for_execution,
    ):
        assert error_of(call, executionArn=execution_arn) == (
            "ExecutionDoesNotExist",
            f"Execution Does Not Exist: '{execution_arn}'",
        )
        assert error_of(call, executionArn=MACHINE_ARN) == (
            "InvalidArn",
            "Invalid Arn: 'Resource type not valid in this context: stateMachine'",
        )
        assert error_of(call, executionArn="nonsense")[0] == "InvalidArn"


def test_stopped_execution_has_error_cause_and_stop_date(world: World) -> None:
    arn = world.start(world.create(WAIT))
    world.virtual_clock.advance(10)
    response = world.client.stop_execution(executionArn=arn, error="Superseded", cause="a newer push")
    outcome = Outcome(world, arn)
    assert outcome.status == "ABORTED"
    assert outcome.description["error"] == "Superseded"
    assert outcome.description["cause"] == "a newer push"
    assert outcome.description["stopDate"] == response["stopDate"]
    assert outcome.seconds == 10
    last = outcome.history[-1]
    assert last["type"] == "ExecutionAborted"
    assert last["executionAbortedEventDetails"] == {"error": "Superseded", "cause": "a newer push"}
    assert outcome.failed_state == "Wait"
    assert world.statuses() == ["RUNNING", "ABORTED"]


def test_second_stop_changes_nothing(world: World) -> None:
    arn = world.start(world.create(WAIT))
    first = world.client.stop_execution(executionArn=arn, error="First")
    world.virtual_clock.advance(10)
    assert world.client.stop_execution(executionArn=arn, error="Second")["stopDate"] == first["stopDate"]
    assert Outcome(world, arn).description["error"] == "First"
    assert world.statuses() == ["RUNNING", "ABORTED"]


def test_stop_does_not_change_an_execution_that_succeeded(world: World) -> None:
    outcome = world.run(PASS)
    response = world.client.stop_execution(executionArn=outcome.arn, error="Late")
    assert response["stopDate"] == outcome.description["stopDate"]
    assert Outcome(world, outcome.arn).status == "SUCCEEDED"


def test_task_can_stop_its_own_execution(world: World) -> None:
    arns: list[str] = []

    def stop(event: Any, _context: LambdaContext) -> Any:
        world.client.stop_execution(executionArn=arns[0], cause="enough")
        return event

    world.handlers["stop"] = stop
    arns.append(world.start(world.create({"Stop": task("stop", Next="Never"), "Never": {"Type": "Succeed"}})))
    world.virtual_clock.run()
    outcome = Outcome(world, arns[0])
    assert outcome.status == "ABORTED"
    assert outcome.path == ["Stop"]
    assert outcome.history[-1]["type"] == "ExecutionAborted"


def test_describe_returns_every_member(world: World) -> None:
    outcome = world.run(PASS, {"a": 1})
    described = {key: value for key, value in outcome.description.items() if key != "ResponseMetadata"}
    assert described == {
        "executionArn": outcome.arn,
        "stateMachineArn": MACHINE_ARN,
        "name": outcome.arn.rpartition(":")[2],
        "status": "SUCCEEDED",
        "startDate": world.clock.now(),
        "stopDate": world.clock.now(),
        "input": '{"a": 1}',
        "inputDetails": {"included": True},
        "output": '{"a":1}',
        "outputDetails": {"included": True},
        "redriveCount": 0,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
    }
    metadata = world.client.describe_execution(executionArn=outcome.arn, includedData="METADATA_ONLY")
    assert "input" not in metadata
    assert "output" not in metadata


def test_execution_keeps_the_definition_it_started_with(world: World) -> None:
    arn = world.start(world.create(WAIT))
    world.client.update_state_machine(
        stateMachineArn=MACHINE_ARN, definition=json.dumps({"StartAt": "Pass", "States": PASS})
    )
    machine = world.client.describe_state_machine_for_execution(executionArn=arn)
    assert json.loads(machine["definition"])["States"] == WAIT
    world.virtual_clock.run()
    assert Outcome(world, arn).path == ["Wait"]


def test_executions_are_listed_latest_first_filtered_and_paged(world: World) -> None:
    arn = world.create(WAIT)
    started = []
    for _ in range(5):
        started.append(world.start(arn))
        world.virtual_clock.advance(1)
    world.client.stop_execution(executionArn=started[2])
    first = world.client.list_executions(stateMachineArn=arn, maxResults=2)
    started.append(world.start(arn))  # must not shift the pages
    second = world.client.list_executions(stateMachineArn=arn, maxResults=3, nextToken=first["nextToken"])
    assert "nextToken" not in second
    listed = [item["executionArn"] for item in first["executions"] + second["executions"]]
    assert listed == started[4::-1]
    aborted = world.client.list_executions(stateMachineArn=arn, statusFilter="ABORTED")["executions"]
    assert [item["executionArn"] for item in aborted] == [started[2]]
    assert error_of(world.client.list_executions, stateMachineArn=arn, nextToken="bogus") == (
        "InvalidToken",
        "Invalid Token: 'Invalid token'",
    )


def test_history_is_paged_in_both_directions(world: World) -> None:
    outcome = world.run({"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "End": True}})
    ids = [event["id"] for event in outcome.history]
    assert ids == list(range(1, len(ids) + 1))
    for newest_first in (False, True):
        pages = world.client.get_paginator("get_execution_history").paginate(
            executionArn=outcome.arn, reverseOrder=newest_first, PaginationConfig={"PageSize": 2}
        )
        paged = [event["id"] for page in pages for event in page["events"]]
        assert paged == (ids[::-1] if newest_first else ids)


def test_history_leaves_out_execution_data_on_request(world: World) -> None:
    outcome = world.run(PASS, {"secret": 1})
    events = world.client.get_execution_history(executionArn=outcome.arn, includeExecutionData=False)[
        "events"
    ]
    assert "secret" not in str(events)
    assert events[1]["stateEnteredEventDetails"] == {"name": "Pass"}
    assert "secret" in str(outcome.history)


def test_failed_state_is_found_by_previous_event_ids(world: World) -> None:
    """The last failure, then `previousEventId` back to the state's entry."""

    def fails(_event: Any, _context: LambdaContext) -> Any:
        raise ValueError("no")

    world.handlers["f"] = fails
    outcome = world.run({"Before": {"Type": "Pass", "Next": "Breaks"}, "Breaks": task("f")})
    newest_first = world.client.get_execution_history(
        executionArn=outcome.arn, reverseOrder=True, includeExecutionData=False
    )["events"]
    event = next(item for item in newest_first if item["type"].endswith(("Failed", "TimedOut")))
    by_id = {item["id"]: item for item in newest_first}
    while not event["type"].endswith("StateEntered"):
        event = by_id[event["previousEventId"]]
    assert event["stateEnteredEventDetails"]["name"] == "Breaks"
    assert outcome.failed_state == "Breaks"
    assert outcome.description["error"] == "ValueError"
    assert json.loads(outcome.description["cause"])["errorMessage"] == "no"


def test_status_events_have_the_members_that_aws_sends(world: World) -> None:
    outcome = world.run(PASS, {"a": 1})
    start, end = world.events
    milliseconds = int(world.clock.now().timestamp() * 1000)
    assert (end.source, end.detail_type) == ("aws.states", "Step Functions Execution Status Change")
    assert end.resources == (outcome.arn,)
    assert end.detail == {
        "executionArn": outcome.arn,
        "stateMachineArn": MACHINE_ARN,
        "name": outcome.arn.rpartition(":")[2],
        "status": "SUCCEEDED",
        "startDate": milliseconds,
        "stopDate": milliseconds,
        "input": '{"a": 1}',
        "inputDetails": {"included": True},
        "output": '{"a":1}',
        "outputDetails": {"included": True},
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "redriveCount": 0,
        "redriveDate": None,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
    }
    assert start.detail["status"] == "RUNNING"
    assert start.detail["stopDate"] is start.detail["output"] is start.detail["outputDetails"] is None


def test_status_events_leave_large_data_out(world: World) -> None:
    world.run(PASS, "x" * 200_000)
    assert world.events[0].detail["inputDetails"] == {"included": True}
    end = world.events[-1].detail
    assert (end["input"], end["inputDetails"]) == (None, {"included": False})
    assert end["outputDetails"] == {"included": True}


def test_execution_succeeds_although_its_events_cannot_be_sent() -> None:
    def broken(_event: object) -> None:
        raise RuntimeError

    clock = VirtualClock()
    client = in_process_client(build_stepfunctions(clock, events=broken))
    definition = json.dumps({"StartAt": "Pass", "States": PASS})
    client.create_state_machine(name="machine", definition=definition, roleArn=ROLE_ARN)
    arn = client.start_execution(stateMachineArn=MACHINE_ARN)["executionArn"]
    clock.run()
    assert client.describe_execution(executionArn=arn)["status"] == "SUCCEEDED"


def test_close_ends_running_executions(world: World) -> None:
    world.start(world.create(WAIT))
    world.virtual_clock.advance(1)
    world.service.close()
    world.virtual_clock.run()
    assert world.statuses() == ["RUNNING"]
    assert error_of(world.client.start_execution, stateMachineArn=MACHINE_ARN)[0] == "ServiceUnavailable"


def test_endless_loop_fails_at_the_limit_of_the_history(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.MAX_EVENTS == 25_000
    monkeypatch.setattr(settings, "MAX_EVENTS", 100)  # the same in less time
    loop: dict[str, State] = {
        "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Again"},
        "Again": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.end", "IsPresent": True, "Next": "End"}],
            "Default": "Wait",
        },
        "End": {"Type": "Succeed"},
    }
    arn = world.start(world.create(loop))
    world.virtual_clock.run()
    description = world.client.describe_execution(executionArn=arn)
    assert description["status"] == "FAILED"
    assert "maximum number of history events (100)" in description["cause"]
    last = world.client.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=1)["events"][0]
    assert (last["id"], last["type"]) == (100, "ExecutionFailed")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not json", "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token "
         "'null', 'true' or 'false')"),
        ("{'a': 1}", "Unexpected character (''' (code 39)): was expecting double-quote to start field name"),
    ],
)  # fmt: skip
def test_input_that_is_not_json_is_refused_in_the_words_of_aws(world: World, text: str, reason: str) -> None:
    """[recorded]"""
    error = error_of(world.client.start_execution, stateMachineArn=world.create(PASS), input=text)
    assert error == ("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{reason}'")


@pytest.mark.parametrize("text", ["NaN", '{"a": Infinity}', "[-Infinity]"])
def test_input_that_is_no_number_of_json_is_refused(world: World, text: str) -> None:
    error = error_of(world.client.start_execution, stateMachineArn=world.create(PASS), input=text)
    assert error[0] == "InvalidExecutionInput"


def test_context_object_counts_redrives(world: World) -> None:
    """[recorded: RedriveCount is 0 in a first execution]"""
    states: dict[str, State] = {
        "Wait": {"Type": "Wait", "Seconds": 60, "Next": "Context"},
        "Context": {"Type": "Pass", "InputPath": "$$.Execution", "End": True},
    }
    arn = world.start(world.create(states))
    world.virtual_clock.advance(1)
    world.client.stop_execution(executionArn=arn)
    world.client.redrive_execution(executionArn=arn)
    other = world.start()
    world.virtual_clock.run()
    assert Outcome(world, other).output["RedriveCount"] == 0
    assert "RedriveTime" not in Outcome(world, other).output
    assert Outcome(world, arn).output["RedriveCount"] == 1
    assert Outcome(world, arn).output["RedriveTime"] == "2026-01-01T00:00:01.000Z"


def test_status_event_has_members_of_redrives_and_nulls(world: World) -> None:
    arn = world.start(world.create(WAIT))
    world.client.stop_execution(executionArn=arn)
    running, aborted = (event.detail for event in world.events)
    assert running["redriveStatus"] == "NOT_REDRIVABLE"
    assert running["redriveStatusReason"] == "Execution is RUNNING and cannot be redriven"
    assert (running["redriveCount"], running["redriveDate"], running["stopDate"]) == (0, None, None)
    assert (running["stateMachineVersionArn"], running["stateMachineAliasArn"]) == (None, None)
    assert (aborted["redriveStatus"], aborted["redriveStatusReason"]) == ("REDRIVABLE", None)


def test_result_of_an_optimized_integration_describes_the_http_response(world: World) -> None:
    """[recorded; results of aws-sdk tasks have neither member]"""
    metadata = {"HTTPStatusCode": 200, "RequestId": "r", "HTTPHeaders": {"content-length": "2"}}

    class Topics:
        def publish(self, **_parameters: Any) -> dict[str, Any]:
            return {"MessageId": "m", "ResponseMetadata": metadata}

    world.clients["sns"] = Topics()
    parameters = {"TopicArn": "arn:aws:sns:us-east-1:000000000000:t", "Message": "m"}
    resources = ("arn:aws:states:::sns:publish", "arn:aws:states:::aws-sdk:sns:publish")
    optimized, sdk = (
        world.run(
            {"T": {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True}}, name=f"m{n}"
        )
        for n, resource in enumerate(resources)
    )
    assert optimized.output == {
        "MessageId": "m",
        "SdkHttpMetadata": {
            "AllHttpHeaders": {"content-length": ["2"]},
            "HttpHeaders": {"content-length": "2"},
            "HttpStatusCode": 200,
        },
        "SdkResponseMetadata": {"RequestId": "r"},
    }
    assert sdk.output == {"MessageId": "m"}
