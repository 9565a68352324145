"""Every case of the corpus: what is given, and the outcome. `corpus/README.md` explains the format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepline.deployment.systems import list_systems
from tests.bad_input.all_targets import all_groups
from tests.bad_input.contents import CORPUS
from tests.bad_input.made_cases import made_cases
from tests.bad_input.outcome import Outcome
from tests.cases import read_cases

PROJECT = Path(__file__).parents[2]
MAX_REQUESTS, MAX_READ_BYTES = 4, 2_400_000
"""The requests to S3 and the bytes of its responses for one job, unless a case has other bounds."""


def corpus() -> dict[str, dict[str, Any]]:
    """Return the cases by group and name."""
    found = {path.stem: read_cases(path) for path in sorted(CORPUS.glob("*.json"))}
    for group, cases in made_cases().items():
        assert not found[group].keys() & cases.keys()
        found[group] |= cases
    return found


@pytest.mark.parametrize(
    ("group", "case"),
    [
        pytest.param(group, case, id=f"{group}/{name}")
        for group, cases in corpus().items()
        for name, case in cases.items()
    ],
)
def test_bad_input_has_the_expected_outcome(group: str, case: dict[str, Any]) -> None:
    assert case.keys() <= {"why", "given", "expected", "bounds"}
    outcome = all_groups()[group](case["given"])
    bounds = case.get("bounds", {})
    assert outcome.requests <= bounds.get("requests", MAX_REQUESTS)
    assert outcome.read_bytes <= bounds.get("bytes", MAX_READ_BYTES)
    _check(outcome, case["expected"])


def _check(outcome: Outcome, expected: dict[str, Any]) -> None:
    assert outcome.error == expected.get("error", ""), outcome.message
    match expected:
        case {"error": _, "message": message}:
            for part in [message] if isinstance(message, str) else message:
                assert part in outcome.message
        case {"started": members}:
            (text,) = outcome.started
            assert members.items() <= json.loads(text).items()
        case {"answer": members}:
            assert members.items() <= outcome.answer.items()
            assert outcome.started == ()
        case {"continued": True} | {"deployed": True}:
            assert outcome.started == ()
        case _:
            raise AssertionError(f"unknown expectation: {expected}")


def test_every_system_has_a_group() -> None:
    systems = {system.folder.name for system in list_systems(PROJECT)}
    groups = all_groups()
    assert [name for name in systems if not any(group.startswith(f"{name}_") for group in groups)] == []


def test_every_group_has_cases_and_every_file_is_a_group() -> None:
    assert corpus().keys() == all_groups().keys()
