"""What prevents the start of an execution, and how its name is made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachines.s3_trigger.errors import ExpressNotSupportedError
from statemachines.s3_trigger.execution_names import execution_name
from statemachines.s3_trigger.object_events import ObjectWrite
from stepline.core import clients
from stepline.core.errors import PermissionDeniedError, RequestRefusedError, SettingsError, TransientAwsError
from stepline.localaws.protocol import AwsError
from tests.fakes.clients import client_of
from tests.fakes.service import FakeService
from tests.statemachines.s3_trigger.world import BUCKET, KEY, NOTIFIED, RECORDED, VERSION, World

NAME = re.compile("[0-9A-Za-z_-]{1,80}")


@dataclass(eq=False)
class BrokenStepFunctions(FakeService):
    """Step Functions that refuse every start."""

    service_name: ClassVar[str] = "stepfunctions"
    code: str = "ThrottlingException"
    machine_type: str = "STANDARD"

    def describe_state_machine(self, **_request: Any) -> dict[str, Any]:
        return {"type": self.machine_type}

    def start_execution(self, **_request: Any) -> dict[str, Any]:
        raise AwsError("no", code=self.code)


@pytest.fixture
def broken(world: World, monkeypatch: pytest.MonkeyPatch) -> BrokenStepFunctions:
    service = BrokenStepFunctions()
    assert world.executions() == []
    monkeypatch.setattr(clients, "stepfunctions", lambda: client_of(service))
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
def test_refused_start_is_an_error(
    code: str, expected: type[Exception], broken: BrokenStepFunctions, world: World
) -> None:
    broken.code = code
    with pytest.raises(expected, match=code):
        world.deliver(NOTIFIED)


def test_express_machine_is_refused(broken: BrokenStepFunctions, world: World) -> None:
    """A repeated event would start it twice."""
    broken.machine_type = "EXPRESS"
    with pytest.raises(ExpressNotSupportedError, match=r"sample is an Express state machine.*Use a Standard"):
        world.deliver(NOTIFIED)
    assert broken.called("StartExecution") == []


def test_type_of_the_machine_is_read_once(broken: BrokenStepFunctions, world: World) -> None:
    for _ in range(2):
        with pytest.raises(TransientAwsError):
            world.deliver(NOTIFIED)
    assert len(broken.called("DescribeStateMachine")) == 1


@pytest.mark.parametrize("arn", ["", "sample"])
def test_invalid_setting_is_named(arn: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_MACHINE_ARN", arn)
    with pytest.raises(SettingsError, match="STATE_MACHINE_ARN"):
        world.deliver(NOTIFIED)


def test_missing_permission_is_not_taken_for_a_deleted_object(world: World) -> None:
    world.s3.fail_next("HeadObject", "AccessDenied", status=403)
    with pytest.raises(PermissionDeniedError, match="HeadObject"):
        world.deliver(RECORDED)


def test_both_ways_of_detection_start_the_same_execution(world: World) -> None:
    """So nothing is started twice when both are active for some time."""
    world.s3.put(BUCKET, KEY, b"12345", version=VERSION)
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
def test_name_is_valid_and_unique_for_each_write(one: ObjectWrite, other: ObjectWrite) -> None:
    name = execution_name(one)
    assert NAME.fullmatch(name)
    assert not name.startswith("-")
    assert (name == execution_name(other)) == (one == other)
