"""The process as a whole: a request in, the real ASL, the real steps, in virtual time."""

from __future__ import annotations

import hashlib
import itertools
import json
from typing import Any

import pytest

from statemachines.process import errors as own_errors
from statemachines.process.step import SERVICE
from statemachines.process.transaction import Transaction
from stepline.core import errors
from tests.faults.deployed import machine_arn
from tests.statemachines import asl_graph, asl_rules
from tests.statemachines.process.world import (
    BUCKET,
    DEPLOYED,
    DOWNSTREAM,
    LOCAL_EVENTS,
    OWNER,
    PROCESS,
    PROJECT,
    World,
)

STEPS = [f"Step {letter}" for letter in "ABCDEF"]
DOWNSTREAM_STEPS = ["Step A", "Step B", "Step C"]
FILES = {
    PROCESS: PROJECT / "statemachines/process/process.asl.json",
    DOWNSTREAM: PROJECT / "statemachines/process/downstream/downstream.asl.json",
}
ASL: dict[str, dict[str, Any]] = {name: json.loads(file.read_text()) for name, file in FILES.items()}
INPUT = {"order": 4711, "items": ["apple", "pêche"], "paid": None}
CANONICAL = '{"items":["apple","pêche"],"order":4711,"paid":null}'


def break_next(world: World, function: str, *errors_: str, acted: bool = False) -> None:
    """Let the next runs of a function end with errors of these names, before or after their work."""
    left, handler = list(errors_), world.handlers[function]

    def run(event: Any, context: Any) -> Any:
        if not left:
            return handler(event, context)
        if acted:
            handler(event, context)
        raise type(left.pop(0), (Exception,), {})("broken")

    world.handlers[function] = run


def test_a_process_goes_from_a_to_f_and_starts_the_downstream_machine(world: World) -> None:
    transaction = world.start(INPUT)
    world.run()
    assert world.path(PROCESS) == STEPS
    assert world.path(DOWNSTREAM) == DOWNSTREAM_STEPS
    (downstream,) = world.executions(DOWNSTREAM)
    data = world.data(transaction)
    receipt = data.pop("downstreamC")["receipt"]
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert receipt == hashlib.sha256(text.encode()).hexdigest()
    assert data == {
        "processInput": INPUT,
        "stepA": {"members": 3, "values": 4},
        "stepB": {"sha256": hashlib.sha256(CANONICAL.encode()).hexdigest()},
        "stepC": {"bytes": len(CANONICAL.encode())},
        "stepD": {"longestText": 5},
        "stepE": {"summary": f"3 members, 4 values, {len(CANONICAL.encode())} bytes"},
        "stepF": {"downstreamExecutionArn": downstream["executionArn"]},
        "downstreamA": {"unchanged": True},
        "downstreamB": {"bytesPerValue": len(CANONICAL.encode()) // 4},
    }


@pytest.mark.parametrize("process_input", [{}, {"a": {}}, {"a": [[], {}, [1e308, -(10**300)]]}])
def test_a_process_takes_any_object(process_input: Any, world: World) -> None:
    transaction = world.start(process_input)
    world.run()
    assert world.ask("process_state", transaction).body["status"] == "SUCCEEDED"
    assert world.data(transaction)["processInput"] == process_input


def test_nothing_but_the_transaction_travels_through_the_workflow(world: World) -> None:
    transaction = world.start({"password": "S3CR3T"})
    world.run()
    for machine in (PROCESS, DOWNSTREAM):
        (execution,) = world.executions(machine)
        travels = {"transaction": f"{OWNER}/{transaction}"}
        assert json.loads(execution["input"]) == json.loads(execution["output"]) == travels
        assert execution["name"] == f"{OWNER}-{transaction}"
    assert "S3CR3T" not in json.dumps(world.functions.invocations[1:])


def test_a_step_is_run_again_until_the_step_before_has_written(world: World) -> None:
    """Somebody takes step B's output away, and brings it back: step C waits for it."""
    transaction = world.start(INPUT)
    (key,) = world.s3.objects
    handler = world.handlers["StepCFunction"]
    complete: dict[str, Any] = {}

    def run(event: Any, context: Any) -> Any:
        if not complete:
            complete.update(world.data(transaction))
            world.s3.put(*key, json.dumps({"processInput": INPUT, "stepA": complete["stepA"]}).encode())
        elif world.path(PROCESS).count("S3DataPreconditionError") == 3:
            world.s3.put(*key, json.dumps(complete).encode())
        return handler(event, context)

    world.handlers["StepCFunction"] = run
    world.run()
    assert world.path(PROCESS) == ["Step A", "Step B", "Step C", *["S3DataPreconditionError"] * 3, *STEPS[3:]]
    assert world.data(transaction)["stepF"]


def test_the_downstream_machine_waits_for_the_step_that_starts_it(world: World) -> None:
    """Step F starts it before it can record which execution that is."""
    transaction = world.start(INPUT)
    break_next(world, "StepFFunction", "TransientAwsError")
    real = world.stepfunctions.start_execution

    def start_and_look(**arguments: Any) -> Any:
        answer = real(**arguments)
        event = {"transaction": f"{OWNER}/{transaction}"}
        seen.append(world.functions.invoke(FunctionName="DownstreamStepAFunction", Payload=json.dumps(event)))
        return answer

    seen: list[Any] = []
    world.stepfunctions.start_execution = start_and_look
    try:
        world.run()
    finally:
        del world.stepfunctions.start_execution
    assert "FunctionError" in seen[0]
    assert json.loads(seen[0]["Payload"].read())["errorType"] == "S3DataPreconditionError"
    assert world.executions(DOWNSTREAM)[0]["status"] == "SUCCEEDED"


def test_a_precondition_that_never_holds_fails_the_process(world: World) -> None:
    transaction = world.start(INPUT)
    world.s3.objects.clear()
    began = world.clock.now()
    world.run()
    (execution,) = world.executions(PROCESS)
    assert world.path(PROCESS) == ["Step A", *["S3DataPreconditionError"] * 8, "Process Failed"]
    assert (execution["status"], execution["error"]) == ("FAILED", "S3DataPreconditionError")
    assert f"in the data of transaction {transaction}" in json.loads(execution["cause"])["errorMessage"]
    assert 60 < (world.clock.now() - began).total_seconds() < 180
    assert world.executions(DOWNSTREAM) == []


@pytest.mark.parametrize("function", ["StepAFunction", "StepFFunction"])
@pytest.mark.parametrize("acted", [False, True])
def test_a_step_that_breaks_is_run_again_and_changes_nothing(
    function: str, acted: bool, world: World
) -> None:
    """Killed before or after its work, throttled, timed out: the data are the same in the end."""
    expected = world.start(INPUT)
    world.run()
    break_next(world, function, "TransientAwsError", "Runtime.ExitError", "Sandbox.Timedout", acted=acted)
    transaction = world.start(INPUT)
    world.run()
    assert world.ask("process_state", transaction).body["status"] == "SUCCEEDED"
    assert len(world.executions(DOWNSTREAM)) == 2
    for name, output in world.data(transaction).items():
        if name not in {"stepF", "downstreamC"}:  # which tell the transaction's own execution
            assert output == world.data(expected)[name], name


@pytest.mark.parametrize("error", ["RequestRefusedError", "PermissionDeniedError", "ZeroDivisionError"])
def test_what_cannot_succeed_fails_at_once_and_says_where(error: str, world: World) -> None:
    transaction = world.start(INPUT)
    break_next(world, "StepDFunction", error)
    world.run()
    assert world.path(PROCESS) == [*STEPS[:4], error, "Process Failed"]
    assert world.ask("process_state", transaction).body == {
        "transactionId": transaction,
        "status": "FAILED",
        "error": error,
        "cause": "Step D: broken",
    }
    assert set(world.data(transaction)) == {"processInput", "stepA", "stepB", "stepC"}


def test_a_downstream_machine_that_fails_does_not_fail_the_process(world: World) -> None:
    transaction = world.start(INPUT)
    break_next(world, "DownstreamStepBFunction", "RequestRefusedError")
    world.run()
    assert world.ask("process_state", transaction).body["status"] == "SUCCEEDED"
    assert world.path(DOWNSTREAM) == ["Step A", "Step B", "RequestRefusedError", "Downstream Failed"]


@pytest.mark.parametrize(
    "document", [{}, {"transaction": 5}, {"transaction": "x"}, {"transaction": None}, []]
)
def test_an_input_that_somebody_made_up_is_a_clear_error(document: Any, world: World) -> None:
    answer = world.functions.invoke(FunctionName="StepAFunction", Payload=json.dumps(document))
    assert json.loads(answer["Payload"].read())["errorType"] == "InvalidInputError"


def test_the_local_events_of_the_steps_work(world: World) -> None:
    """As they are used with `stepline invoke`, one after the other, on data that are there."""
    events = {letter: LOCAL_EVENTS / f"step_{letter}/transaction.json" for letter in "abcdef"}
    text = json.loads(events["a"].read_text())["transaction"]
    world.s3.put(BUCKET, Transaction.parse(text).key, b'{"processInput": {}}')
    for letter, file in events.items():
        answer = world.functions.invoke(
            FunctionName=f"Step{letter.upper()}Function", Payload=file.read_bytes()
        )
        assert json.loads(answer["Payload"].read()) == {"wrote": f"step{letter.upper()}"}


# --- the definitions


@pytest.mark.parametrize("machine", FILES)
def test_the_definition_keeps_the_rules(machine: str, world: World) -> None:
    assert asl_rules.violations(ASL[machine], errors, own_errors) == []
    definition = DEPLOYED.machines()[machine]
    assert "${" not in definition
    checked = world.stepfunctions.validate_state_machine_definition(definition=definition)
    assert checked["diagnostics"] == []


@pytest.mark.parametrize("machine", FILES)
def test_a_step_is_named_as_its_function_and_gets_the_transaction_alone(machine: str) -> None:
    prefix = "Downstream" if machine == DOWNSTREAM else ""
    tasks = {name: state for name, state in ASL[machine]["States"].items() if state["Type"] == "Task"}
    assert list(tasks) == (DOWNSTREAM_STEPS if prefix else STEPS)
    for name, state in tasks.items():
        function = f"${{{prefix}{name.replace(' ', '')}FunctionArn}}"
        payload = {"transaction.$": "$.transaction"}
        assert state["Parameters"] == {"FunctionName": function, "Payload": payload}
        assert state["ResultPath"] is None


@pytest.mark.parametrize("machine", FILES)
def test_every_step_leads_to_the_next_or_to_the_one_failure(machine: str) -> None:
    edges = {(edge.state, edge.way): edge.target for edge in asl_graph.edges(ASL[machine])}
    steps = DOWNSTREAM_STEPS if machine == DOWNSTREAM else STEPS
    failure = "Downstream Failed" if machine == DOWNSTREAM else "Process Failed"
    chain = {(name, "Next"): after for name, after in itertools.pairwise(steps)}
    assert edges == chain | {(name, "Catch 0"): failure for name in steps}


def test_every_step_waits_for_its_precondition() -> None:
    for asl in ASL.values():
        for state in asl["States"].values():
            if state["Type"] == "Task":
                assert state["Retry"][0]["ErrorEquals"] == ["S3DataPreconditionError"]


def test_the_machines_are_those_of_the_template(world: World) -> None:
    assert set(DEPLOYED.machines()) == set(FILES)
    arns = [item["stateMachineArn"] for item in world.stepfunctions.list_state_machines()["stateMachines"]]
    assert sorted(arns) == sorted(map(machine_arn, FILES))
    assert SERVICE == "process"
