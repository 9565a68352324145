"""Every permission of template.yaml is needed and none is missing, as the scenarios show.

A permission counts as needed if it alone allowed some request. `make permissions` removes each of them in
turn; here a few are removed, to test the measurement itself.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.iam import scenarios
from tests.iam.mutations import effect_of
from tests.iam.permissions import Permission, permissions
from tests.iam.pipeline import Pipeline
from tests.iam.stacks import APPLICATION
from tests.iam.suites import Observed, Scenario, run_suites, suites

pytestmark = pytest.mark.xdist_group("iam")

ALL = permissions(APPLICATION)
_POLICIES_OF_PARAMETERS = ("macros", "other-application-roles")


@pytest.fixture(scope="module")
def observed(system: Pipeline) -> Observed:
    return run_suites(system.endpoint_url, [suites()[APPLICATION]], restore=False)


@pytest.mark.parametrize("permission", ALL, ids=str)
def test_permission_is_needed(observed: Observed, permission: Permission) -> None:
    assert observed.used.get(replace(permission, resources=1), 0) >= permission.resources


def test_nothing_was_denied(observed: Observed) -> None:
    assert observed.denials == []


@pytest.mark.usefixtures("observed")
@pytest.mark.parametrize(
    ("role", "action", "scenario"),
    [
        (
            "CheckStackExistsRole",
            "cloudformation:DescribeStacks",
            scenarios.stack_without_changes_is_not_updated,
        ),
        ("CreateStackRole", "iam:PassRole", scenarios.repeated_creation_creates_one_stack),
        ("CreateStackRole", "kms:Decrypt", scenarios.repeated_creation_creates_one_stack),
        ("CreateStackRole", "logs:PutLogEvents", scenarios.repeated_creation_creates_one_stack),
        ("TriggerRole", "xray:PutTraceSegments", scenarios.execution_past_its_deadline_is_stopped),
        (
            "DeployStateMachineRole",
            "logs:UpdateLogDelivery",
            scenarios.logged_machine_is_created_updated_and_deleted,
        ),
    ],
)
def test_removed_permission_has_an_effect(
    system: Pipeline, role: str, action: str, scenario: Scenario
) -> None:
    found = [item for item in ALL if (item.role, item.action) == (role, action)]
    permission = next(item for item in found if item.policy not in _POLICIES_OF_PARAMETERS)
    assert effect_of(replace(system, timeout_seconds=5.0), permission, scenario)
    system.clear_record()
    scenario(system)
    assert system.denials() == []
