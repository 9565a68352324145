"""As `test_least_privilege`, for the stacks of the other systems; `proofs.py` tells how one joins."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.end_to_end.local_aws import LocalAws
from tests.iam import scope
from tests.iam.permissions import Permission, permissions
from tests.iam.proofs import Seen, go_all_ways, proofs
from tests.iam.stacks import APPLICATION, stacks

pytestmark = pytest.mark.xdist_group("systems")

PROOFS = [proof for proof in proofs().values() if proof.stack != APPLICATION]
ALL = [permission for proof in PROOFS for permission in permissions(proof.stack)]
CASES = [case for proof in PROOFS for case in scope.cases(proof.stack)]


def test_every_stack_has_its_proof() -> None:
    assert {stack.proof for stack in stacks().values()} == set(proofs())


@pytest.fixture(scope="module")
def seen(systems: LocalAws) -> Seen:
    for proof in PROOFS:  # other tests may have used the functions
        proof.system(systems.endpoint_url, proof.stack).restart()
    return go_all_ways(systems.endpoint_url, PROOFS)


@pytest.mark.parametrize("permission", ALL, ids=str)
def test_a_permission_is_needed(seen: Seen, permission: Permission) -> None:
    assert seen.used.get(replace(permission, resources=1), 0) >= permission.resources


def test_no_permission_lacks(seen: Seen) -> None:
    assert seen.denials == []


@pytest.mark.usefixtures("seen")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_role_is_denied_what_is_not_its_own(systems: LocalAws, case: scope.Case) -> None:
    scope.check_denied(proofs()[case.stack].system(systems.endpoint_url, case.stack), case)
