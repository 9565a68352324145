"""What callers are answered: the cases are files in facade_cases/."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from statemachines.process.limits import MAX_DATA_BYTES, MAX_INPUT_BYTES
from tests.in_process_functions import LambdaContext
from tests.statemachines.fake_client import FakeAwsError, FakeService, fake_client
from tests.statemachines.process.world import BUCKET, OWNER, PROCESS, World, event

CASES = sorted((Path(__file__).parent / "facade_cases").glob("*.json"))
OTHER = "f9e8d7c6b5"
SECRET = "S3CR3T-of-a-user"
CONTEXT = LambdaContext("facade", "arn:aws:lambda:us-east-1:000000000000:function:facade")


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_a_request_is_answered(file: Path, world: World) -> None:
    case = json.loads(file.read_text())
    assert case["why"]
    reply = world.call(case["endpoint"], case["request"])
    expected = case["expected"]
    assert reply.status == expected["status"], reply.body
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["Cache-Control"] == "no-store"
    if "error" in expected:
        assert set(reply.body) == {"error", "message"}
        assert reply.body["error"] == expected["error"]
        assert expected.get("says", "") in reply.body["message"]
        assert "S3CR3T" not in reply.body["message"]
        assert world.s3.objects == {}
        assert world.executions(PROCESS) == []


def test_a_process_is_stored_and_started_under_a_fresh_id(world: World) -> None:
    first, second = world.start({"a": [1, 2.5, "é"]}), world.start({"a": 1})
    assert first != second
    assert re.fullmatch(r"[0-9a-f-]{36}", first)
    assert world.data(first) == {"processInput": {"a": [1, 2.5, "é"]}}
    inputs = {execution["name"]: json.loads(execution["input"]) for execution in world.executions(PROCESS)}
    assert inputs[f"{OWNER}-{first}"] == {"transaction": f"{OWNER}/{first}"}
    assert len(inputs) == 2
    assert {request.headers.get("if-none-match") for request in world.s3.requests} == {"*"}


def test_a_number_is_kept_exactly(world: World) -> None:
    number = int("1" * 400)
    assert world.data(world.start({"a": number}))["processInput"]["a"] == number


def test_a_body_that_is_too_long_is_refused(world: World) -> None:
    frame = '{"processInput": {"a": ""}}'
    fits = frame.replace('""', json.dumps("x" * (MAX_INPUT_BYTES - len(frame))))
    assert world.call("start_process", {"body": fits}).status == 200
    reply = world.call("start_process", {"body": fits + " "})
    assert (reply.status, reply.body["error"]) == (413, "RequestTooLargeError")
    assert "1,048,576 bytes" in reply.body["message"]


def test_an_input_that_grows_when_it_is_stored_is_refused(world: World) -> None:
    """1e15 becomes 1000000000000000.0: four characters, and then eighteen."""
    body = '{"processInput": {"a": [' + ",".join(["1e15"] * (MAX_INPUT_BYTES // 6)) + "]}}"
    reply = world.call("start_process", {"body": body})
    assert (reply.status, reply.body["error"]) == (413, "RequestTooLargeError")
    assert world.s3.objects == {}


def test_what_is_stored_can_be_answered(world: World) -> None:
    """Lambda's answer, in which the document is text once more, has 6 MB at most."""
    transaction = world.start({})
    (key,) = world.s3.objects
    text = "\\" * ((MAX_DATA_BYTES - 40) // 2)  # two bytes each, and four in the answer
    content = json.dumps({"processInput": {"a": text}}).encode()
    assert MAX_DATA_BYTES - 100 < len(content) <= MAX_DATA_BYTES
    world.s3.put(*key, content)
    query = {"query": {"transactionId": [transaction]}}
    answer = world.handlers["ProcessDataFunction"](event("process_data", query), CONTEXT)
    assert answer["statusCode"] == 200
    assert len(json.dumps(answer)) < 6_000_000


# --- another caller's


@pytest.mark.parametrize("endpoint", ["process_state", "process_data"])
def test_a_transaction_is_its_owner_s_alone(endpoint: str, world: World) -> None:
    """To anybody else it is as if it did not exist, to the letter."""
    transaction = world.start({"a": 1})
    world.run()
    assert world.ask(endpoint, transaction).status == 200
    others = world.ask(endpoint, transaction, owner=OTHER)
    assert (others.status, others.body["error"]) == (404, "TransactionNotFoundError")
    world.s3.objects.clear()
    assert world.ask("process_data", transaction).body == others.body


def test_a_caller_whose_key_s_id_looks_like_another_s_owner_finds_nothing(world: World) -> None:
    transaction = world.start({"a": 1}, owner="ab")
    for owner in ("a", "abc", "AB"):
        assert world.ask("process_state", transaction, owner=owner).status == 404


# --- state


def test_the_state_of_a_process(world: World) -> None:
    transaction = world.start({"a": 1})
    expected = {"transactionId": transaction, "status": "RUNNING"}
    assert world.ask("process_state", transaction).body == expected
    world.run()
    assert world.ask("process_state", transaction).body == expected | {"status": "SUCCEEDED"}


def test_a_process_that_step_functions_does_not_show_yet_is_running(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DescribeExecution is eventually consistent."""
    transaction = world.start({"a": 1})
    monkeypatch.setattr(world, "stepfunctions", fake_client("stepfunctions", Forgetful()))
    assert world.ask("process_state", transaction).body["status"] == "RUNNING"
    assert world.ask("process_state", transaction, owner=OTHER).status == 404


def test_a_failed_process_tells_why(world: World) -> None:
    transaction = world.start({"a": 1})
    world.s3.objects.clear()
    world.run()
    assert world.ask("process_state", transaction).body == {
        "transactionId": transaction,
        "status": "FAILED",
        "error": "S3DataPreconditionError",
        "cause": f'Step A: "processInput" does not exist yet in the data of transaction {transaction}.',
    }


def test_a_stopped_process_tells_that_it_was_stopped(world: World) -> None:
    transaction = world.start({"a": 1})
    (execution,) = world.executions(PROCESS)
    world.stepfunctions.stop_execution(executionArn=execution["executionArn"])
    world.run()
    body = world.ask("process_state", transaction).body
    assert (body["status"], body["error"]) == ("ABORTED", "Aborted")
    assert "was stopped" in body["cause"]


class Forgetful(FakeService):
    def describe_execution(self, **_request: Any) -> dict[str, Any]:
        raise FakeAwsError("ExecutionDoesNotExist", "no")


# --- data


def test_the_data_as_far_as_the_process_has_come(world: World) -> None:
    transaction = world.start({"a": 1})
    assert world.ask("process_data", transaction).body == {"processInput": {"a": 1}}
    world.run()
    assert world.ask("process_data", transaction).body == world.data(transaction)
    assert len(world.data(transaction)) == 10


def test_data_that_somebody_else_wrote_are_not_shown(world: World) -> None:
    transaction = world.start({})
    (key,) = world.s3.objects
    for content in (b"no json", b"[]", b'{"processInput": 1}'):
        world.s3.objects[key] = content
        assert world.ask("process_data", transaction).status == 500


# --- when AWS fails


@pytest.mark.parametrize("status", [500, 503])
def test_s3_that_is_out_is_a_503_that_tells_when_to_try_again(status: int, world: World) -> None:
    world.s3.fail_next(status, "InternalError" if status == 500 else "SlowDown", times=3)
    reply = world.call("start_process", {"body": '{"processInput": {}}'})
    assert (reply.status, reply.body["error"]) == (503, "TransientAwsError")
    assert int(reply.headers["Retry-After"]) > 0


class Throttled(FakeService):
    def start_execution(self, **_request: Any) -> dict[str, Any]:
        raise FakeAwsError("ThrottlingException", "Rate exceeded")


def test_a_start_that_fails_leaves_data_that_nobody_can_ask_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller gets no id, tries again, and gets another transaction."""
    monkeypatch.setattr(world, "stepfunctions", fake_client("stepfunctions", Throttled()))
    monkeypatch.setattr("time.sleep", lambda _seconds: None)  # botocore's, between its attempts
    reply = world.call("start_process", {"body": '{"processInput": {}}'})
    assert reply.status == 503
    assert set(reply.body) == {"error", "message"}


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [(403, "AccessDenied", "InternalError"), (404, "NoSuchBucket", "InternalError")],
)
def test_what_the_operators_must_change_is_in_the_log_and_not_in_the_answer(
    status: int, code: str, error: str, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.s3.fail_next(status, code)
    with caplog.at_level(logging.INFO):
        reply = world.ask("process_data", "3f2b8c1e-5d4a-4b6f-9c7d-0e1f2a3b4c5d")
    assert (reply.status, reply.body["error"]) == (500, error)
    assert code not in json.dumps(reply.body)
    assert BUCKET not in json.dumps(reply.body)


@pytest.mark.parametrize("invocation", [None, [], {}, {"requestContext": None}, "text", {"body": 5}])
@pytest.mark.parametrize("endpoint", ["StartProcess", "ProcessState", "ProcessData"])
def test_an_event_that_is_no_request_is_answered(endpoint: str, invocation: Any, world: World) -> None:
    answer = world.handlers[f"{endpoint}Function"](invocation, CONTEXT)
    assert answer["statusCode"] in {400, 500}
    assert json.loads(answer["body"])["message"]


def test_an_endpoint_that_breaks_says_nothing_of_why(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any, **_options: Any) -> Any:
        raise ValueError(SECRET)

    monkeypatch.setattr("statemachines.process.data.DataStore.read", broken)
    reply = world.ask("process_data", "3f2b8c1e-5d4a-4b6f-9c7d-0e1f2a3b4c5d")
    assert (reply.status, reply.body["error"]) == (500, "InternalError")
    assert SECRET not in json.dumps(reply.body)


def test_nothing_of_a_user_s_is_logged(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    transaction = world.start({"password": SECRET})
    world.call("start_process", {"body": '{"processInput": "' + SECRET + '"}'})
    world.call("start_process", {"body": SECRET})
    world.run()
    assert world.ask("process_data", transaction).body["processInput"]["password"] == SECRET
    captured = capfd.readouterr()
    assert SECRET not in captured.out + captured.err
