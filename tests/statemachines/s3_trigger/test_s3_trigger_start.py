"""What keeps an execution from being started, and how its name is made."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachines.s3_trigger.errors import ExpressNotSupportedError
from statemachines.s3_trigger.execution_names import execution_name
from statemachines.s3_trigger.object_events import ObjectWrite
from stepline.core import clients
from stepline.core.errors import PermissionDeniedError, RequestRefusedError, SettingsError, TransientAwsError
from tests.statemachines.fake_client import FakeAwsError, FakeService, fake_client
from tests.statemachines.s3_trigger.world import PROJECT, World

LOCAL_EVENTS = PROJECT / "local_events/start_execution"
NOTIFIED: dict[str, Any] = json.loads((LOCAL_EVENTS / "notified.json").read_text())
RECORDED: dict[str, Any] = json.loads((LOCAL_EVENTS / "recorded.json").read_text())
NAME = re.compile("[0-9A-Za-z_-]{1,80}")


class BrokenStepFunctions(FakeService):
    """Answers every start with one error."""

    error = FakeAwsError("ThrottlingException", "Rate exceeded")
    machine_type = "STANDARD"

    def describe_state_machine(self, **_request: Any) -> dict[str, Any]:
        return {"type": self.machine_type}

    def start_execution(self, **_request: Any) -> dict[str, Any]:
        raise self.error


@pytest.fixture
def broken(world: World, monkeypatch: pytest.MonkeyPatch) -> BrokenStepFunctions:
    service = BrokenStepFunctions()
    client = fake_client("stepfunctions", service)
    monkeypatch.setattr(clients, "stepfunctions", lambda: client)
    assert world.executions() == []
    return service


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ThrottlingException", TransientAwsError),  # Lambda runs the event again
        ("ServiceUnavailable", TransientAwsError),
        ("AccessDeniedException", PermissionDeniedError),
        ("StateMachineDoesNotExist", RequestRefusedError),
        ("InvalidExecutionInput", RequestRefusedError),
    ],
)
def test_a_start_that_fails_is_an_error(
    code: str, expected: type[Exception], broken: BrokenStepFunctions, world: World
) -> None:
    broken.error = FakeAwsError(code, "no")
    with pytest.raises(expected, match=code):
        world.deliver(NOTIFIED)


def test_an_express_machine_is_refused(broken: BrokenStepFunctions, world: World) -> None:
    """The same event twice would start it twice."""
    broken.machine_type = "EXPRESS"
    with pytest.raises(ExpressNotSupportedError, match=r"sample is an Express state machine.*Use a Standard"):
        world.deliver(NOTIFIED)
    assert broken.called("StartExecution") == []


def test_the_type_of_the_machine_is_asked_once(broken: BrokenStepFunctions, world: World) -> None:
    for _ in range(2):
        with pytest.raises(TransientAwsError):
            world.deliver(NOTIFIED)
    assert len(broken.called("DescribeStateMachine")) == 1


@pytest.mark.parametrize("arn", ["", "sample"])
def test_a_setting_that_cannot_be_used_is_named(
    arn: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_MACHINE_ARN", arn)
    with pytest.raises(SettingsError, match="STATE_MACHINE_ARN"):
        world.deliver(NOTIFIED)


def test_an_object_that_may_not_be_seen_is_not_taken_for_one_that_is_gone(world: World) -> None:
    world.s3.may_be_read = False
    with pytest.raises(PermissionDeniedError, match="HeadObject"):
        world.deliver(RECORDED)


def test_both_ways_of_detection_start_the_same_execution(world: World) -> None:
    """Whoever changes over, or has both for a while, starts nothing twice."""
    version = NOTIFIED["detail"]["object"]["version-id"]
    world.s3.objects["incoming", "orders/2026/November 21.csv", version] = b"12345"
    assert world.deliver(NOTIFIED) == world.deliver(RECORDED)
    assert len(world.executions()) == 1


writes = st.builds(
    ObjectWrite,
    bucket=st.sampled_from(["a", "b"]),
    key=st.text(min_size=1, max_size=120),
    version=st.none(),
    write_id=st.sampled_from(["1", "2"]),
    size_bytes=st.just(1),
)


@settings(max_examples=100, deadline=None)
@given(one=writes, other=writes)
def test_a_name_fits_and_belongs_to_one_write(one: ObjectWrite, other: ObjectWrite) -> None:
    name = execution_name(one)
    assert NAME.fullmatch(name)
    assert not name.startswith("-")
    assert (name == execution_name(other)) == (one == other)
