"""The data of a transaction: concurrent writers lose nothing, and a step that runs twice writes once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from statemachines.process.data import PROCESS_INPUT, Data, DataStore, StepFunction
from statemachines.process.errors import DataTooLargeError, S3DataPreconditionError
from statemachines.process.limits import MAX_DATA_BYTES, MAX_WRITE_ATTEMPTS
from statemachines.process.transaction import Transaction
from stepline.core.errors import InvalidInputError, RequestRefusedError, TransientAwsError
from stepline.localaws.protocol import AwsError
from tests.fakes.clients import client_of
from tests.fakes.s3 import FakeS3
from tests.fakes.service import Fault
from tests.fakes.sparse_file import bytes_of

BUCKET = "databucket"
TRANSACTION = Transaction("a1b2c3d4e5", "3f2b8c1e-5d4a-4b6f-9c7d-0e1f2a3b4c5d")


class Stored:
    """A data store and its S3."""

    def __init__(self) -> None:
        self.s3 = FakeS3()
        self.store = DataStore(client_of(self.s3), BUCKET)

    def document(self) -> Any:
        return json.loads(bytes_of(self.s3.objects[BUCKET, TRANSACTION.key]))

    def add(self, member: str, work: StepFunction | None = None, *, after: str = PROCESS_INPUT) -> bool:
        return self.store.add(TRANSACTION, member, work or (lambda _data: {"of": member}), after=after)

    def puts(self) -> int:
        return len(self.s3.called("PutObject"))

    def before_request(self, number: int, act: Callable[[], object]) -> None:
        """Call `act` just before the n-th request from now on, counted from 1."""
        count = 0

        def count_request() -> None:
            nonlocal count
            count += 1
            if count == number:
                self.s3.before_each = lambda: None
                act()

        self.s3.before_each = count_request


@pytest.fixture
def stored() -> Stored:
    stored = Stored()
    stored.store.create(TRANSACTION, {"a": 1})
    return stored


def test_member_is_added_to_existing_members(stored: Stored) -> None:
    assert stored.add("stepA")
    assert stored.add("stepB", lambda data: {"seen": sorted(data.members)}, after="stepA")
    assert stored.document() == {
        "processInput": {"a": 1},
        "stepA": {"of": "stepA"},
        "stepB": {"seen": ["processInput", "stepA"]},
    }


def test_two_writers_interleaved_at_each_call_lose_nothing() -> None:
    """One writer runs completely before the first, second … call of the other, for all its calls."""
    for number in range(1, 10):
        fresh = Stored()
        fresh.store.create(TRANSACTION, {"a": 1})
        before = len(fresh.s3.requests)
        fresh.before_request(number, lambda fresh=fresh: fresh.add("other"))  # type: ignore[misc]
        assert fresh.add("mine", lambda data: {"seen": sorted(data.members)})
        calls = len(fresh.s3.requests) - before
        if "other" not in fresh.document():
            assert (number, calls) == (3, 2)  # it read and wrote without interruption
            return
        assert set(fresh.document()) == {"processInput", "mine", "other"}
        assert fresh.document()["mine"] == {"seen": ["other", "processInput"]}
    raise AssertionError("there is no end of calls")


def test_many_writers_at_once_lose_nothing(stored: Stored) -> None:
    """Each starts when the one before is about to write: the last writes first, all others start again."""

    def write(number: int) -> None:
        if number < MAX_WRITE_ATTEMPTS:
            stored.before_request(2, lambda: write(number + 1))
        assert stored.add(f"step{number}")

    write(1)
    assert len(stored.document()) == 1 + MAX_WRITE_ATTEMPTS


def test_step_that_runs_twice_at_once_writes_once(stored: Stored) -> None:
    """Lambda may run a step again while the first run is still working: both must have the same result."""
    outputs = iter([{"run": 1}, {"run": 2}])
    stored.before_request(2, lambda: stored.add("stepA", lambda _data: next(outputs)))
    assert stored.add("stepA", lambda _data: next(outputs)) is False
    assert stored.document()["stepA"] == {"run": 2}
    assert stored.puts() == 3  # the input, one that succeeded, and one that was refused


def test_step_that_has_written_changes_nothing(stored: Stored) -> None:
    assert stored.add("stepA", lambda _data: {"run": 1})
    puts = stored.puts()
    assert stored.add("stepA", lambda _data: {"run": 2}) is False
    assert stored.document()["stepA"] == {"run": 1}
    assert stored.puts() == puts


@pytest.mark.parametrize(
    ("status", "code"),
    [(412, "PreconditionFailed"), (409, "ConditionalRequestConflict")],
)
def test_write_that_conflicts_with_another_is_retried(stored: Stored, status: int, code: str) -> None:
    stored.s3.fail_next("PutObject", code, status=status)
    assert stored.add("stepA")
    assert stored.document()["stepA"] == {"of": "stepA"}


def test_write_that_always_conflicts_fails(stored: Stored) -> None:
    failed = AwsError("no", code="PreconditionFailed", status=412)
    stored.s3.faults.append(Fault("PutObject", range(2, 100), failed))  # the first one was the input
    with pytest.raises(TransientAwsError, match="Other processes keep writing"):
        stored.add("stepA")
    assert len(stored.s3.requests) == 1 + 2 * MAX_WRITE_ATTEMPTS


def test_write_whose_response_was_lost_counts(stored: Stored) -> None:
    """S3 has written; when botocore or Lambda retries, the condition of the write does not hold any more."""
    stored.before_request(2, lambda: stored.add("stepA"))
    assert stored.add("stepA") is False
    assert stored.document()["stepA"] == {"of": "stepA"}


def test_data_deleted_while_a_step_runs_are_not_created_again(stored: Stored) -> None:
    stored.before_request(2, stored.s3.objects.clear)
    with pytest.raises(S3DataPreconditionError):
        stored.add("stepA")
    assert stored.s3.objects == {}


def test_step_fails_until_the_step_before_has_written(stored: Stored) -> None:
    with pytest.raises(
        S3DataPreconditionError, match='"stepA" does not exist yet in the data of transaction 3f'
    ):
        stored.add("stepB", after="stepA")
    assert stored.puts() == 1


def test_step_of_a_transaction_without_data_fails() -> None:
    with pytest.raises(S3DataPreconditionError, match='"processInput" does not exist yet'):
        Stored().add("stepA")


def test_new_transaction_is_stored_once(stored: Stored) -> None:
    """An object that exists under its id was written by an earlier attempt of botocore."""
    stored.store.create(TRANSACTION, {"a": 1})
    assert stored.document() == {"processInput": {"a": 1}}


@pytest.mark.parametrize(("status", "code"), [(409, "ConditionalRequestConflict"), (403, "AccessDenied")])
def test_error_while_storing_the_input_is_raised(status: int, code: str) -> None:
    fresh = Stored()
    fresh.s3.fail_next("PutObject", code, status=status)
    with pytest.raises(ClientError, match=code):
        fresh.store.create(TRANSACTION, {})


def test_error_while_reading_is_not_taken_for_missing_data(stored: Stored) -> None:
    for status, code in ((403, "AccessDenied"), (404, "NoSuchBucket"), (503, "SlowDown")):
        stored.s3.fail_next("GetObject", code, status=status)
        with pytest.raises(ClientError, match=code):
            stored.add("stepA")


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"processInput": 1}', b'{"a": {}, "a": {}}'])
def test_data_that_the_process_has_not_written_are_refused(stored: Stored, content: bytes) -> None:
    stored.s3.put(BUCKET, TRANSACTION.key, content)
    with pytest.raises(RequestRefusedError, match="The data of transaction 3f2b8c1e"):
        stored.add("stepA")


def test_data_are_stored_as_canonical_json(stored: Stored) -> None:
    stored.add("stepA", lambda _data: {"b": 1, "a": "é"})
    expected = '{"processInput":{"a":1},"stepA":{"a":"é","b":1}}'
    assert bytes_of(stored.s3.objects[BUCKET, TRANSACTION.key]) == expected.encode()


def test_step_gets_the_input_and_the_outputs(stored: Stored) -> None:
    def work(data: Data) -> dict[str, Any]:
        assert data.transaction == TRANSACTION
        return {"input": data.process_input["a"], "before": data.output_of("stepA")["of"]}

    stored.add("stepA")
    stored.add("stepB", work, after="stepA")
    assert stored.document()["stepB"] == {"input": 1, "before": "stepA"}


def test_data_above_the_limit_are_not_stored(stored: Stored) -> None:
    room = MAX_DATA_BYTES - len('{"processInput":{"a":1},"stepA":{"x":""}}')
    with pytest.raises(DataTooLargeError, match="2,621,441 bytes; 2,621,440 are allowed"):
        stored.add("stepA", lambda _data: {"x": "x" * (room + 1)})
    assert stored.add("stepA", lambda _data: {"x": "x" * room})


def test_transaction_is_read_from_its_text() -> None:
    assert Transaction.parse(str(TRANSACTION)) == TRANSACTION
    assert TRANSACTION.key == "transactions/a1b2c3d4e5/3f2b8c1e-5d4a-4b6f-9c7d-0e1f2a3b4c5d.json"
    assert len(Transaction.new("x" * 40).execution_name) <= 80


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3f2b8c1e-5d4a-4b6f-9c7d-0e1f2a3b4c5d",
        "/3f2b8c1e-5d4a-4b6f-9c7d-0e1f2a3b4c5d",
        "a/b/3f2b8c1e-5d4a-4b6f-9c7d-0e1f2a3b4c5d",
        "../3f2b8c1e-5d4a-4b6f-9c7d-0e1f2a3b4c5d",
        f"{'x' * 41}/3f2b8c1e-5d4a-4b6f-9c7d-0e1f2a3b4c5d",
        "a-b/3f2b8c1e-5d4a-4b6f-9c7d-0e1f2a3b4c5d",
        "a/../../x",
        "a/3F2B8C1E-5D4A-4B6F-9C7D-0E1F2A3B4C5D",
        "a/3f2b8c1e-5d4a-4b6f-9c7d-0e1f2a3b4c5d\n",
    ],
)
def test_text_that_is_not_a_transaction_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        Transaction.parse(text)
