"""The data of a transaction: nothing that was written is ever lost, and nothing is written twice."""

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
from tests.pipeline.fake_s3 import FakeS3

BUCKET = "databucket"
TRANSACTION = Transaction("a1b2c3d4e5", "3f2b8c1e-5d4a-4b6f-9c7d-0e1f2a3b4c5d")


class Stored:
    """A data store, and the S3 behind it."""

    def __init__(self) -> None:
        self.s3 = FakeS3()
        self.store = DataStore(self.s3.client(), BUCKET)

    def document(self) -> Any:
        content = self.s3.objects[BUCKET, TRANSACTION.key]
        return json.loads(content[0 : len(content)])

    def add(self, member: str, work: StepFunction | None = None, *, after: str = PROCESS_INPUT) -> bool:
        return self.store.add(TRANSACTION, member, work or (lambda _data: {"of": member}), after=after)

    def puts(self) -> int:
        return sum(request.operation == "PutObject" for request in self.s3.requests)

    def before_request(self, number: int, act: Callable[[], object]) -> None:
        """Do something just before the n-th request from now on, the first being 1."""
        begun = 0

        def hook() -> None:
            nonlocal begun
            begun += 1
            if begun == number:
                self.s3.before_request = lambda: None
                act()

        self.s3.before_request = hook


@pytest.fixture
def stored() -> Stored:
    built = Stored()
    built.store.create(TRANSACTION, {"a": 1})
    return built


def test_a_member_is_added_to_what_is_there(stored: Stored) -> None:
    assert stored.add("stepA")
    assert stored.add("stepB", lambda data: {"seen": sorted(data.members)}, after="stepA")
    assert stored.document() == {
        "processInput": {"a": 1},
        "stepA": {"of": "stepA"},
        "stepB": {"seen": ["processInput", "stepA"]},
    }


def test_two_writers_interleaved_at_each_call_lose_nothing() -> None:
    """One writes as a whole before the first, second … call of the other, until there are no more calls."""
    for number in range(1, 10):
        fresh = Stored()
        fresh.store.create(TRANSACTION, {"a": 1})
        before = len(fresh.s3.requests)
        fresh.before_request(number, lambda fresh=fresh: fresh.add("other"))  # type: ignore[misc]
        assert fresh.add("mine", lambda data: {"seen": sorted(data.members)})
        calls = len(fresh.s3.requests) - before
        if "other" not in fresh.document():
            assert (number, calls) == (3, 2)  # it read and wrote, and nobody came between
            return
        assert set(fresh.document()) == {"processInput", "mine", "other"}
        assert fresh.document()["mine"] == {"seen": ["other", "processInput"]}
    raise AssertionError("it never ended")


def test_many_writers_at_once_lose_nothing(stored: Stored) -> None:
    """Each begins while the one before is about to write: the innermost wins, all others begin anew."""

    def write(number: int) -> None:
        if number < MAX_WRITE_ATTEMPTS:
            stored.before_request(2, lambda: write(number + 1))
        assert stored.add(f"step{number}")

    write(1)
    assert len(stored.document()) == 1 + MAX_WRITE_ATTEMPTS


def test_the_same_step_twice_at_once_writes_once(stored: Stored) -> None:
    """Lambda runs a step again while the first run is still at work: both must come to the same end."""
    outputs = iter([{"run": 1}, {"run": 2}])
    stored.before_request(2, lambda: stored.add("stepA", lambda _data: next(outputs)))
    assert stored.add("stepA", lambda _data: next(outputs)) is False
    assert stored.document()["stepA"] == {"run": 2}
    assert stored.puts() == 3  # the input, one that came through, and one that was refused


def test_a_step_that_has_written_changes_nothing(stored: Stored) -> None:
    assert stored.add("stepA", lambda _data: {"run": 1})
    puts = stored.puts()
    assert stored.add("stepA", lambda _data: {"run": 2}) is False
    assert stored.document()["stepA"] == {"run": 1}
    assert stored.puts() == puts


@pytest.mark.parametrize(
    ("status", "code"),
    [(412, "PreconditionFailed"), (409, "ConditionalRequestConflict")],
)
def test_a_write_that_met_another_is_tried_anew(stored: Stored, status: int, code: str) -> None:
    stored.before_request(2, lambda: stored.s3.fail_next(status, code))
    assert stored.add("stepA")
    assert stored.document()["stepA"] == {"of": "stepA"}


def test_others_that_always_write_first_are_not_waited_for_forever(stored: Stored) -> None:
    def never() -> None:
        stored.s3.failures.clear()
        if len(stored.s3.requests) % 2 == 0:  # the create was one: every write is an even one
            stored.s3.fail_next(412, "PreconditionFailed")

    stored.s3.before_request = never
    with pytest.raises(TransientAwsError, match="Other processes keep writing"):
        stored.add("stepA")
    assert len(stored.s3.requests) == 1 + 2 * MAX_WRITE_ATTEMPTS


def test_a_write_whose_answer_was_lost_counts(stored: Stored) -> None:
    """S3 has written; botocore, or Lambda, tries again and is told that the object is another one."""
    stored.before_request(2, lambda: stored.add("stepA"))
    assert stored.add("stepA") is False
    assert stored.document()["stepA"] == {"of": "stepA"}


def test_data_that_are_deleted_while_a_step_works_are_not_made_again(stored: Stored) -> None:
    stored.before_request(2, stored.s3.objects.clear)
    with pytest.raises(S3DataPreconditionError):
        stored.add("stepA")
    assert stored.s3.objects == {}


def test_a_step_waits_for_the_step_before(stored: Stored) -> None:
    with pytest.raises(
        S3DataPreconditionError, match='"stepA" does not exist yet in the data of transaction 3f'
    ):
        stored.add("stepB", after="stepA")
    assert stored.puts() == 1


def test_there_is_nothing_to_wait_for_without_data() -> None:
    with pytest.raises(S3DataPreconditionError, match='"processInput" does not exist yet'):
        Stored().add("stepA")


def test_a_fresh_transaction_is_stored_once(stored: Stored) -> None:
    """What is there under its id is what botocore has sent already."""
    stored.store.create(TRANSACTION, {"a": 1})
    assert stored.document() == {"processInput": {"a": 1}}


@pytest.mark.parametrize(("status", "code"), [(409, "ConditionalRequestConflict"), (403, "AccessDenied")])
def test_an_input_that_may_not_be_stored_is_not_taken_for_stored(status: int, code: str) -> None:
    fresh = Stored()
    fresh.s3.fail_next(status, code)
    with pytest.raises(ClientError, match=code):
        fresh.store.create(TRANSACTION, {})


def test_what_cannot_be_read_is_not_taken_for_missing(stored: Stored) -> None:
    for status, code in ((403, "AccessDenied"), (404, "NoSuchBucket"), (503, "SlowDown")):
        stored.s3.fail_next(status, code)
        with pytest.raises(ClientError, match=code):
            stored.add("stepA")


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"processInput": 1}', b'{"a": {}, "a": {}}'])
def test_what_the_process_has_not_written_is_refused(stored: Stored, content: bytes) -> None:
    stored.s3.put(BUCKET, TRANSACTION.key, content)
    with pytest.raises(RequestRefusedError, match="The data of transaction 3f2b8c1e"):
        stored.add("stepA")


def test_the_same_data_are_the_same_bytes(stored: Stored) -> None:
    stored.add("stepA", lambda _data: {"b": 1, "a": "é"})
    content = stored.s3.objects[BUCKET, TRANSACTION.key]
    expected = '{"processInput":{"a":1},"stepA":{"a":"é","b":1}}'
    assert content[0 : len(content)] == expected.encode()


def test_a_step_sees_the_input_and_the_outputs(stored: Stored) -> None:
    def work(data: Data) -> dict[str, Any]:
        assert data.transaction == TRANSACTION
        return {"input": data.process_input["a"], "before": data.output_of("stepA")["of"]}

    stored.add("stepA")
    stored.add("stepB", work, after="stepA")
    assert stored.document()["stepB"] == {"input": 1, "before": "stepA"}


def test_data_that_could_not_be_answered_are_not_stored(stored: Stored) -> None:
    room = MAX_DATA_BYTES - len('{"processInput":{"a":1},"stepA":{"x":""}}')
    with pytest.raises(DataTooLargeError, match="2,621,441 bytes; 2,621,440 are allowed"):
        stored.add("stepA", lambda _data: {"x": "x" * (room + 1)})
    assert stored.add("stepA", lambda _data: {"x": "x" * room})


# --- transactions


def test_a_transaction_as_text() -> None:
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
def test_what_is_no_transaction_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        Transaction.parse(text)
