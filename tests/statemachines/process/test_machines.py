"""Whole processes: the real ASL and the real steps, in virtual time."""

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
from stepline.core.large_data import LargeDataStore
from tests.fakes.service import Calls, Fault
from tests.statemachines import asl_graph, asl_rules
from tests.statemachines.process.world import (
    BUCKET,
    DOWNSTREAM,
    LOCAL_EVENTS,
    OWNER,
    PROCESS,
    PROJECT,
    World,
    template,
)
from tests.system_template import machine_arn

LARGE_DATA = "large-data"
GIVEN, STORE = "Transaction Given?", "Store Input"
STEPS = [f"Step {letter}" for letter in "ABCDEF"]
DOWNSTREAM_STEPS = ["Step A", "Step B", "Step C"]
FILES = {
    PROCESS: PROJECT / "statemachines/process/process.asl.json",
    DOWNSTREAM: PROJECT / "statemachines/process/downstream/downstream.asl.json",
}
ASL: dict[str, dict[str, Any]] = {name: json.loads(file.read_text()) for name, file in FILES.items()}
INPUT = {"order": 4711, "items": ["apple", "pêche"], "paid": None}
CANONICAL = '{"items":["apple","pêche"],"order":4711,"paid":null}'


def fail_next(world: World, function: str, *error_names: str, acted: bool = False) -> None:
    """Let the next invocations of a function end with errors of these names, before or after their work."""
    handler, calls = world.handlers[function], Calls()
    for number, name in enumerate(error_names, start=1):
        error = type(name, (Exception,), {})("broken")
        calls.faults.append(Fault(function, (number,), error, acted))
    world.handlers[function] = lambda event, context: calls.perform(
        function, event, lambda: handler(event, context)
    )


def test_process_runs_steps_a_to_f_and_starts_the_downstream_machine(world: World) -> None:
    transaction = world.start(INPUT)
    world.run()
    assert world.path(PROCESS) == [GIVEN, *STEPS]
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


def test_execution_of_a_pipeline_stores_its_input_as_a_transaction(world: World) -> None:
    """The action names the execution after its job, and adds its keys to the input."""
    document = {"processInput": INPUT, "codepipeline": {"jobId": "1"}, "revisionS3Bucket": "b"}
    execution = world.execute(document, name="codepipeline-1")
    assert world.path(PROCESS) == [GIVEN, STORE, *STEPS]
    assert world.executions(DOWNSTREAM)[0]["status"] == "SUCCEEDED"
    owner, _, transaction = json.loads(execution["output"])["transaction"].partition("/")
    assert (owner, list(json.loads(execution["output"]))) == ("execution", ["transaction"])
    assert world.data(transaction, owner=owner)["processInput"] == INPUT


def put_large_input(world: World, document: Any) -> dict[str, Any]:
    """Store an input as a pipeline's action does, and return the one of the execution."""
    world.s3.put_version = "v1"
    text = json.dumps(document)
    return {"s3Reference": LargeDataStore(world.client("s3"), LARGE_DATA).store("1", text).to_json()}


def test_large_input_of_a_pipeline_is_read_by_its_reference(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LARGE_DATA_BUCKET", LARGE_DATA)
    large = {"items": ["x" * 1000] * 300}
    document = put_large_input(world, {"processInput": large, "codepipeline": {"jobId": "1"}})
    execution = world.execute(document | {"codepipeline": {"jobId": "1"}}, name="codepipeline-1")
    assert execution["status"] == "SUCCEEDED"
    owner, _, transaction = json.loads(execution["output"])["transaction"].partition("/")
    assert world.data(transaction, owner=owner)["processInput"] == large


@pytest.mark.parametrize(
    ("bucket", "reference", "message"),
    [
        ("", {}, "The input has more than 262,144 bytes and is in S3: set the parameter LargeDataBucketName"),
        ("others", {}, "is not in the bucket others, the only one allowed."),
        (LARGE_DATA, {"versionId": "v2"}, "does not exist (any more) in this version."),
        (LARGE_DATA, {"sha256": "A" * 43 + "="}, "does not have the checksum of its reference."),
        (LARGE_DATA, {"size": -1}, '"s3Reference.size" in the input must be a whole number'),
    ],
)
def test_large_input_that_cannot_be_read_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, bucket: str, reference: dict[str, Any], message: str
) -> None:
    monkeypatch.setenv("LARGE_DATA_BUCKET", bucket)
    document = put_large_input(world, {"processInput": INPUT})
    document["s3Reference"] |= reference
    execution = world.execute(document, name="wrong")
    assert (execution["status"], execution["error"]) == ("FAILED", "InvalidInputError")
    assert message in json.loads(execution["cause"])["errorMessage"]


def test_stored_input_is_found_if_the_task_is_repeated(world: World) -> None:
    fail_next(world, "StoreInputFunction", "Runtime.ExitError", "TransientAwsError", acted=True)
    execution = world.execute({"processInput": INPUT}, name="again")
    assert execution["status"] == "SUCCEEDED"
    assert len(world.s3.objects) == 1


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, 'The input must be {"processInput": {…}}, or {"transaction": "<owner>/<id>"}.'),
        ({"processInput": []}, '"processInput" in the input must be an object, but it is a list.'),
        ({"order": 1}, 'The input has the unknown key "order"; known are processInput, '),
    ],
)
def test_execution_without_a_transaction_or_an_input_is_refused(
    document: Any, message: str, world: World
) -> None:
    execution = world.execute(document, name="wrong")
    assert (execution["status"], execution["error"]) == ("FAILED", "InvalidInputError")
    assert json.loads(execution["cause"])["errorMessage"].startswith(message)
    assert world.path(PROCESS) == [GIVEN, STORE, "InvalidInputError", "Process Failed"]


@pytest.mark.parametrize("process_input", [{}, {"a": {}}, {"a": [[], {}, [1e308, -(10**300)]]}])
def test_any_object_is_a_valid_process_input(process_input: Any, world: World) -> None:
    transaction = world.start(process_input)
    world.run()
    assert world.get("process_state", transaction).body["status"] == "SUCCEEDED"
    assert world.data(transaction)["processInput"] == process_input


def test_only_the_transaction_is_passed_between_states(world: World) -> None:
    transaction = world.start({"password": "S3CR3T"})
    world.run()
    for machine in (PROCESS, DOWNSTREAM):
        (execution,) = world.executions(machine)
        travels = {"transaction": f"{OWNER}/{transaction}"}
        assert json.loads(execution["input"]) == json.loads(execution["output"]) == travels
        assert execution["name"] == f"{OWNER}-{transaction}"
    assert "S3CR3T" not in json.dumps(world.functions.invocations[1:])


def test_step_is_retried_until_the_step_before_has_written(world: World) -> None:
    """The test removes the output of step B and writes it again: step C fails until then."""
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
    waits = ["S3DataPreconditionError"] * 3
    assert world.path(PROCESS) == [GIVEN, "Step A", "Step B", "Step C", *waits, *STEPS[3:]]
    assert world.data(transaction)["stepF"]


def test_downstream_machine_is_retried_until_step_f_has_written(world: World) -> None:
    """Step F starts it before it can store the ARN of its execution."""
    transaction = world.start(INPUT)
    fail_next(world, "StepFFunction", "TransientAwsError")
    real = world.stepfunctions.start_execution

    def start_and_run_step_a(**arguments: Any) -> Any:
        answer = real(**arguments)
        event = {"transaction": f"{OWNER}/{transaction}"}
        results.append(
            world.functions.invoke(FunctionName="DownstreamStepAFunction", Payload=json.dumps(event))
        )
        return answer

    results: list[Any] = []
    world.stepfunctions.start_execution = start_and_run_step_a
    try:
        world.run()
    finally:
        del world.stepfunctions.start_execution
    assert "FunctionError" in results[0]
    assert json.loads(results[0]["Payload"].read())["errorType"] == "S3DataPreconditionError"
    assert world.executions(DOWNSTREAM)[0]["status"] == "SUCCEEDED"


def test_missing_data_fail_the_process_within_minutes(world: World) -> None:
    transaction = world.start(INPUT)
    world.s3.objects.clear()
    start = world.clock.now()
    world.run()
    (execution,) = world.executions(PROCESS)
    assert world.path(PROCESS) == [GIVEN, "Step A", *["S3DataPreconditionError"] * 8, "Process Failed"]
    assert (execution["status"], execution["error"]) == ("FAILED", "S3DataPreconditionError")
    assert f"in the data of transaction {transaction}" in json.loads(execution["cause"])["errorMessage"]
    assert 60 < (world.clock.now() - start).total_seconds() < 180
    assert world.executions(DOWNSTREAM) == []


@pytest.mark.parametrize("function", ["StepAFunction", "StepFFunction"])
@pytest.mark.parametrize("acted", [False, True])
def test_step_that_fails_is_retried_with_the_same_result(function: str, acted: bool, world: World) -> None:
    """The data are the same, whether it is killed before or after its work, throttled or timed out."""
    expected = world.start(INPUT)
    world.run()
    fail_next(world, function, "TransientAwsError", "Runtime.ExitError", "Sandbox.Timedout", acted=acted)
    transaction = world.start(INPUT)
    world.run()
    assert world.get("process_state", transaction).body["status"] == "SUCCEEDED"
    assert len(world.executions(DOWNSTREAM)) == 2
    for name, output in world.data(transaction).items():
        if name not in {"stepF", "downstreamC"}:  # these differ between transactions
            assert output == world.data(expected)[name], name


@pytest.mark.parametrize("error", ["RequestRefusedError", "PermissionDeniedError", "ZeroDivisionError"])
def test_permanent_error_fails_the_process_without_retry(error: str, world: World) -> None:
    transaction = world.start(INPUT)
    fail_next(world, "StepDFunction", error)
    world.run()
    assert world.path(PROCESS) == [GIVEN, *STEPS[:4], error, "Process Failed"]
    assert world.get("process_state", transaction).body == {
        "transactionId": transaction,
        "status": "FAILED",
        "error": error,
        "cause": "Step D: broken",
    }
    assert set(world.data(transaction)) == {"processInput", "stepA", "stepB", "stepC"}


def test_failure_of_the_downstream_machine_does_not_fail_the_process(world: World) -> None:
    transaction = world.start(INPUT)
    fail_next(world, "DownstreamStepBFunction", "RequestRefusedError")
    world.run()
    assert world.get("process_state", transaction).body["status"] == "SUCCEEDED"
    assert world.path(DOWNSTREAM) == ["Step A", "Step B", "RequestRefusedError", "Downstream Failed"]


@pytest.mark.parametrize(
    "document", [{}, {"transaction": 5}, {"transaction": "x"}, {"transaction": None}, []]
)
def test_invalid_input_of_a_step_is_refused(document: Any, world: World) -> None:
    answer = world.functions.invoke(FunctionName="StepAFunction", Payload=json.dumps(document))
    assert json.loads(answer["Payload"].read())["errorType"] == "InvalidInputError"


def test_local_events_of_the_steps_work(world: World) -> None:
    """They are used with `stepline invoke`, one after the other, on existing data."""
    events = {letter: LOCAL_EVENTS / f"step_{letter}/transaction.json" for letter in "abcdef"}
    text = json.loads(events["a"].read_text())["transaction"]
    world.s3.put(BUCKET, Transaction.parse(text).key, b'{"processInput": {}}')
    for letter, file in events.items():
        answer = world.functions.invoke(
            FunctionName=f"Step{letter.upper()}Function", Payload=file.read_bytes()
        )
        assert json.loads(answer["Payload"].read()) == {"wrote": f"step{letter.upper()}"}


@pytest.mark.parametrize("machine", FILES)
def test_definition_follows_the_rules_of_all_state_machines(machine: str, world: World) -> None:
    assert asl_rules.violations(ASL[machine], errors, own_errors) == []
    definition = template().machines()[machine]
    assert "${" not in definition
    checked = world.stepfunctions.validate_state_machine_definition(definition=definition)
    assert checked["diagnostics"] == []


@pytest.mark.parametrize("machine", FILES)
def test_step_has_the_name_of_its_function_and_gets_only_the_transaction(machine: str) -> None:
    prefix = "Downstream" if machine == DOWNSTREAM else ""
    tasks = {name: state for name, state in ASL[machine]["States"].items() if state["Type"] == "Task"}
    tasks.pop(STORE, None)
    assert list(tasks) == (DOWNSTREAM_STEPS if prefix else STEPS)
    for name, state in tasks.items():
        function = f"${{{prefix}{name.replace(' ', '')}FunctionArn}}"
        payload = {"transaction.$": "$.transaction"}
        assert state["Parameters"] == {"FunctionName": function, "Payload": payload}
        assert state["ResultPath"] is None


@pytest.mark.parametrize("machine", FILES)
def test_every_step_leads_to_the_next_or_to_the_failure(machine: str) -> None:
    edges = {(edge.state, edge.transition): edge.target for edge in asl_graph.edges(ASL[machine])}
    steps = DOWNSTREAM_STEPS if machine == DOWNSTREAM else STEPS
    failure = "Downstream Failed" if machine == DOWNSTREAM else "Process Failed"
    chain = {(name, "Next"): after for name, after in itertools.pairwise(steps)}
    if machine == PROCESS:
        chain |= {(GIVEN, "Choice 0"): "Step A", (GIVEN, "Default"): STORE, (STORE, "Next"): "Step A"}
        chain |= {(STORE, "Catch 0"): failure}
    assert edges == chain | {(name, "Catch 0"): failure for name in steps}


def test_every_step_is_retried_until_its_precondition_holds() -> None:
    for asl in ASL.values():
        for name, state in asl["States"].items():
            if state["Type"] == "Task" and name != STORE:
                assert state["Retry"][0]["ErrorEquals"] == ["S3DataPreconditionError"]


def test_machines_are_those_of_the_template(world: World) -> None:
    assert set(template().machines()) == set(FILES)
    arns = [item["stateMachineArn"] for item in world.stepfunctions.list_state_machines()["stateMachines"]]
    assert sorted(arns) == sorted(map(machine_arn, FILES))
    assert SERVICE == "process"
