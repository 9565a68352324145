"""Every permission of template.yaml is needed, and no other is: shown by going every way that there is.

A permission counts as needed if it was the only one that allowed some request. `make permissions`
takes each of them away for real; here a few are, so that the measure itself is tested.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from tests.iam import ways
from tests.iam.mutations import effect_of
from tests.iam.others import deploy_with_others
from tests.iam.permissions import Permission, permissions
from tests.iam.system import System

pytestmark = pytest.mark.xdist_group("iam")

ALL = permissions()


@dataclass(frozen=True)
class Seen:
    """Permission -> on how many of its resources it was needed; what was denied."""

    used: dict[Permission, int]
    denials: list[str]


@pytest.fixture(scope="module")
def seen(system: System) -> Seen:
    """All ways; with the default parameters first, since other machines widen what the trigger may do."""
    system.forget()
    _go(system, ways.LANES)
    default = Seen(system.used(), system.denials())
    deploy_with_others(system)
    system.forget()
    _go(system, (ways.WAYS_TO_OTHERS,))
    used = {p: max(default.used.get(p, 0), n) for p, n in (default.used | system.used()).items()}
    return Seen(used, default.denials + system.denials())


def _go(system: System, lanes: tuple[tuple[ways.Way, ...], ...]) -> None:
    def go(lane: tuple[ways.Way, ...]) -> None:
        for way in lane:
            way(system)

    with ThreadPoolExecutor(len(lanes)) as executor:
        list(executor.map(go, lanes))


@pytest.mark.parametrize("permission", ALL, ids=str)
def test_a_permission_is_needed(seen: Seen, permission: Permission) -> None:
    assert seen.used.get(replace(permission, resources=1), 0) >= permission.resources


def test_no_permission_lacks(seen: Seen) -> None:
    assert seen.denials == []


@pytest.mark.usefixtures("seen")
@pytest.mark.parametrize(
    ("role", "action", "way"),
    [
        ("CheckStackExistsRole", "cloudformation:DescribeStacks", ways.unchanged_stack_is_left_alone),
        ("CreateStackRole", "iam:PassRole", ways.creation_is_repeated),
        ("CreateStackRole", "kms:Decrypt", ways.creation_is_repeated),
        ("CreateStackRole", "logs:PutLogEvents", ways.creation_is_repeated),
        ("TriggerRole", "xray:PutTraceSegments", ways.late_execution_is_stopped),
        ("DeployStateMachineRole", "logs:UpdateLogDelivery", ways.logged_machine_lives_and_goes),
    ],
)
def test_without_a_permission_something_breaks(system: System, role: str, action: str, way: ways.Way) -> None:
    permission = next(item for item in ALL if (item.role, item.action) == (role, action))
    assert effect_of(replace(system, patience_seconds=5.0), permission, way)
    system.forget()
    way(system)
    assert system.denials() == []
