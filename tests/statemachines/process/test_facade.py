"""The responses of the endpoints. Requests that are refused are in `tests/bad_input/corpus`."""

from __future__ import annotations

import json
import logging
import re
import uuid
from typing import Any, ClassVar

import pytest

from statemachines.process.limits import MAX_DATA_BYTES, MAX_INPUT_BYTES
from stepline.localaws.protocol import AwsError
from tests.fakes.clients import client_of
from tests.fakes.service import FakeService
from tests.in_process_functions import LambdaContext
from tests.statemachines.process.world import BUCKET, OWNER, PROCESS, World, event

OTHER = "f9e8d7c6b5"
SECRET = "S3CR3T-of-a-user"
CONTEXT = LambdaContext("facade", "arn:aws:lambda:us-east-1:000000000000:function:facade")


@pytest.mark.parametrize("api_key_id", [None, "../other"])
@pytest.mark.parametrize("endpoint", ["start_process", "process_state", "process_data"])
def test_request_without_a_valid_api_key_is_an_internal_error(
    endpoint: str, api_key_id: str | None, world: World
) -> None:
    """API Gateway lets no such request pass, unless the method requires no key any more."""
    request = {"body": '{"processInput": {}}', "query": {"transactionId": [str(uuid.uuid4())]}}
    reply = world.call(endpoint, {**request, "apiKeyId": api_key_id})
    assert (reply.status, reply.body["error"]) == (500, "InternalError")
    assert world.s3.objects == {}


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_content_type_is_ignored(content_type: str, world: World) -> None:
    """`curl -d` sends application/x-www-form-urlencoded."""
    request = {"body": '{"processInput": {}}', "contentType": content_type}
    assert world.call("start_process", request).status == 200


def test_process_is_stored_and_started_under_a_new_id(world: World) -> None:
    first, second = world.start({"a": [1, 2.5, "é"]}), world.start({"a": 1})
    assert first != second
    assert re.fullmatch(r"[0-9a-f-]{36}", first)
    assert world.data(first) == {"processInput": {"a": [1, 2.5, "é"]}}
    inputs = {execution["name"]: json.loads(execution["input"]) for execution in world.executions(PROCESS)}
    assert inputs[f"{OWNER}-{first}"] == {"transaction": f"{OWNER}/{first}"}
    assert len(inputs) == 2
    assert {request.headers.get("if-none-match") for request in world.s3.requests} == {"*"}


def test_long_number_is_stored_exactly(world: World) -> None:
    number = int("1" * 400)
    assert world.data(world.start({"a": number}))["processInput"]["a"] == number


def test_body_above_the_limit_is_refused(world: World) -> None:
    frame = '{"processInput": {"a": ""}}'
    fits = frame.replace('""', json.dumps("x" * (MAX_INPUT_BYTES - len(frame))))
    assert world.call("start_process", {"body": fits}).status == 200
    reply = world.call("start_process", {"body": fits + " "})
    assert (reply.status, reply.body["error"]) == (413, "RequestTooLargeError")
    assert "1,048,576 bytes" in reply.body["message"]


def test_input_above_the_limit_when_stored_is_refused(world: World) -> None:
    """1e15 has four characters and becomes 1000000000000000.0, which has eighteen."""
    body = '{"processInput": {"a": [' + ",".join(["1e15"] * (MAX_INPUT_BYTES // 6)) + "]}}"
    reply = world.call("start_process", {"body": body})
    assert (reply.status, reply.body["error"]) == (413, "RequestTooLargeError")
    assert world.s3.objects == {}


def test_largest_data_fit_into_a_response(world: World) -> None:
    """Lambda's response, in which the document is JSON text inside of JSON, may have 6 MB."""
    transaction = world.start({})
    (key,) = world.s3.objects
    text = "\\" * ((MAX_DATA_BYTES - 40) // 2)  # two bytes each, and four in the response
    content = json.dumps({"processInput": {"a": text}}).encode()
    assert MAX_DATA_BYTES - 100 < len(content) <= MAX_DATA_BYTES
    world.s3.put(*key, content)
    query = {"query": {"transactionId": [transaction]}}
    answer = world.handlers["ProcessDataFunction"](event("process_data", query), CONTEXT)
    assert answer["statusCode"] == 200
    assert len(json.dumps(answer)) < 6_000_000


@pytest.mark.parametrize("endpoint", ["process_state", "process_data"])
def test_transaction_of_another_owner_does_not_exist(endpoint: str, world: World) -> None:
    """Another caller gets the same response as for a transaction that does not exist."""
    transaction = world.start({"a": 1})
    world.run()
    assert world.get(endpoint, transaction).status == 200
    others = world.get(endpoint, transaction, owner=OTHER)
    assert (others.status, others.body["error"]) == (404, "TransactionNotFoundError")
    world.s3.objects.clear()
    assert world.get("process_data", transaction).body == others.body


def test_key_id_resembling_another_owner_is_rejected(world: World) -> None:
    transaction = world.start({"a": 1}, owner="ab")
    for owner in ("a", "abc", "AB"):
        assert world.get("process_state", transaction, owner=owner).status == 404


def test_state_of_a_process_is_returned(world: World) -> None:
    transaction = world.start({"a": 1})
    expected = {"transactionId": transaction, "status": "RUNNING"}
    assert world.get("process_state", transaction).body == expected
    world.run()
    assert world.get("process_state", transaction).body == expected | {"status": "SUCCEEDED"}


def test_process_without_a_visible_execution_is_running(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DescribeExecution is eventually consistent."""
    transaction = world.start({"a": 1})
    monkeypatch.setattr(world, "stepfunctions", client_of(Forgetful()))
    assert world.get("process_state", transaction).body["status"] == "RUNNING"
    assert world.get("process_state", transaction, owner=OTHER).status == 404


def test_state_of_a_failed_process_has_error_and_cause(world: World) -> None:
    transaction = world.start({"a": 1})
    world.s3.objects.clear()
    world.run()
    assert world.get("process_state", transaction).body == {
        "transactionId": transaction,
        "status": "FAILED",
        "error": "S3DataPreconditionError",
        "cause": f'Step A: "processInput" does not exist yet in the data of transaction {transaction}.',
    }


def test_state_of_a_stopped_process_has_a_cause(world: World) -> None:
    transaction = world.start({"a": 1})
    (execution,) = world.executions(PROCESS)
    world.stepfunctions.stop_execution(executionArn=execution["executionArn"])
    world.run()
    body = world.get("process_state", transaction).body
    assert (body["status"], body["error"]) == ("ABORTED", "Aborted")
    assert "was stopped" in body["cause"]


class Forgetful(FakeService):
    """Does not show an execution that was just started."""

    service_name: ClassVar[str] = "stepfunctions"

    def describe_execution(self, **_request: Any) -> dict[str, Any]:
        raise AwsError("no", code="ExecutionDoesNotExist")


def test_data_are_returned_while_the_process_runs(world: World) -> None:
    transaction = world.start({"a": 1})
    assert world.get("process_data", transaction).body == {"processInput": {"a": 1}}
    world.run()
    assert world.get("process_data", transaction).body == world.data(transaction)
    assert len(world.data(transaction)) == 10


def test_data_that_the_process_has_not_written_are_not_shown(world: World) -> None:
    transaction = world.start({})
    (key,) = world.s3.objects
    for content in (b"no json", b"[]", b'{"processInput": 1}'):
        world.s3.objects[key] = content
        assert world.get("process_data", transaction).status == 500


@pytest.mark.parametrize("status", [500, 503])
def test_error_of_s3_becomes_503_with_retry_after(status: int, world: World) -> None:
    world.s3.fail_next("PutObject", "InternalError" if status == 500 else "SlowDown", status=status, times=3)
    reply = world.call("start_process", {"body": '{"processInput": {}}'})
    assert (reply.status, reply.body["error"]) == (503, "TransientAwsError")
    assert int(reply.headers["Retry-After"]) > 0


class Throttled(FakeService):
    service_name: ClassVar[str] = "stepfunctions"

    def start_execution(self, **_request: Any) -> dict[str, Any]:
        raise AwsError("Rate exceeded", code="ThrottlingException")


def test_throttled_start_becomes_503_without_an_id(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller gets no id, and another transaction when it tries again."""
    monkeypatch.setattr(world, "stepfunctions", client_of(Throttled()))
    reply = world.call("start_process", {"body": '{"processInput": {}}'})
    assert reply.status == 503
    assert set(reply.body) == {"error", "message"}


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [(403, "AccessDenied", "InternalError"), (404, "NoSuchBucket", "InternalError")],
)
def test_configuration_error_is_not_in_the_response(
    status: int, code: str, error: str, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.s3.fail_next("GetObject", code, status=status)
    with caplog.at_level(logging.INFO):
        reply = world.get("process_data", "3f2b8c1e-5d4a-4b6f-9c7d-0e1f2a3b4c5d")
    assert (reply.status, reply.body["error"]) == (500, error)
    assert code not in json.dumps(reply.body)
    assert BUCKET not in json.dumps(reply.body)


@pytest.mark.parametrize("invocation", [None, [], {}, {"requestContext": None}, "text", {"body": 5}])
@pytest.mark.parametrize("endpoint", ["StartProcess", "ProcessState", "ProcessData"])
def test_event_that_is_not_a_request_gets_a_response(endpoint: str, invocation: Any, world: World) -> None:
    answer = world.handlers[f"{endpoint}Function"](invocation, CONTEXT)
    assert answer["statusCode"] in {400, 500}
    assert json.loads(answer["body"])["message"]


def test_response_to_an_unexpected_error_has_no_details(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any, **_options: Any) -> Any:
        raise ValueError(SECRET)

    monkeypatch.setattr("statemachines.process.data.DataStore.read", broken)
    reply = world.get("process_data", "3f2b8c1e-5d4a-4b6f-9c7d-0e1f2a3b4c5d")
    assert (reply.status, reply.body["error"]) == (500, "InternalError")
    assert SECRET not in json.dumps(reply.body)


def test_data_of_users_are_not_logged(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    transaction = world.start({"password": SECRET})
    world.call("start_process", {"body": '{"processInput": "' + SECRET + '"}'})
    world.call("start_process", {"body": SECRET})
    world.run()
    assert world.get("process_data", transaction).body["processInput"]["password"] == SECRET
    captured = capfd.readouterr()
    assert SECRET not in captured.out + captured.err
