"""The local AWS does what AWS does, in all cases whose outcome on AWS is known, except for known differences.

Slow suites run only in `make parity`.
"""

from __future__ import annotations

import pytest

from tests.parity.collection import (
    NAMES,
    documented_totals,
    is_slow,
    replay,
    suites,
    surprises,
    total,
)


@pytest.mark.parametrize("suite", [name for name in suites() if not is_slow(name)])
def test_cases_agree_with_aws(suite: str) -> None:
    outcomes = replay(suite)
    assert outcomes
    assert len({outcome.case for outcome in outcomes}) == len(outcomes), "two cases have the same name"
    assert all(outcome.source for outcome in outcomes), "a case names no source"
    assert not surprises(outcomes), "\n".join(surprises(outcomes))
    assert documented_totals().get(NAMES[suite]) == total(outcomes), "docs/local-aws.md is not up to date"


def test_table_of_the_documentation_has_every_suite() -> None:
    assert set(documented_totals()) == {NAMES[suite] for suite in suites()}
