"""Every permission of template.yaml is needed, and no other is: shown by going every way that there is.

A permission counts as needed if it was the only one that allowed some request. `make permissions`
takes each of them away for real; here a few are, so that the measure itself is tested.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.iam import ways
from tests.iam.mutations import effect_of
from tests.iam.permissions import Permission, permissions
from tests.iam.pipeline import Pipeline
from tests.iam.proofs import Seen, Way, go_all_ways, proofs
from tests.iam.stacks import APPLICATION

pytestmark = pytest.mark.xdist_group("iam")

ALL = permissions(APPLICATION)


@pytest.fixture(scope="module")
def seen(system: Pipeline) -> Seen:
    return go_all_ways(system.endpoint_url, [proofs()[APPLICATION]], restore=False)


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
def test_without_a_permission_something_breaks(system: Pipeline, role: str, action: str, way: Way) -> None:
    permission = next(item for item in ALL if (item.role, item.action) == (role, action))
    assert effect_of(replace(system, patience_seconds=5.0), permission, way)
    system.forget()
    way(system)
    assert system.denials() == []
