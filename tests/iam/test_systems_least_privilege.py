"""As `test_least_privilege`, for the stacks of the systems; `suites.py` describes how to add one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.end_to_end.local_aws import LocalAws
from tests.iam import scope
from tests.iam.permissions import Permission, permissions
from tests.iam.stacks import APPLICATION, stacks
from tests.iam.suites import Observed, run_suites, suites

pytestmark = pytest.mark.xdist_group("systems")

SUITES = [suite for suite in suites().values() if suite.stack != APPLICATION]
ALL = [permission for suite in SUITES for permission in permissions(suite.stack)]
CASES = [case for suite in SUITES for case in scope.cases(suite.stack)]


def test_every_stack_has_a_suite() -> None:
    assert {stack.suite for stack in stacks().values()} == set(suites())


@pytest.fixture(scope="module")
def observed(systems: LocalAws) -> Observed:
    for suite in SUITES:  # other tests may have used the functions
        suite.system(systems.endpoint_url, suite.stack).restart()
    return run_suites(systems.endpoint_url, SUITES)


@pytest.mark.parametrize("permission", ALL, ids=str)
def test_permission_is_needed(observed: Observed, permission: Permission) -> None:
    assert observed.used.get(replace(permission, resources=1), 0) >= permission.resources


def test_nothing_was_denied(observed: Observed) -> None:
    assert observed.denials == []


@pytest.mark.usefixtures("observed")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_call_out_of_scope_is_denied(systems: LocalAws, case: scope.Case) -> None:
    scope.check_denied(suites()[case.stack].system(systems.endpoint_url, case.stack), case)
