"""The command line of the fuzzer: it finds an injected bug, and reproduces it."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner, Result

from stepline.core import strict_json
from tests.bad_input import fuzz


def run(*arguments: str) -> Result:
    return CliRunner().invoke(fuzz.main, [*arguments], env={"COLUMNS": "200"})


@pytest.fixture(autouse=True)
def _small_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "EXAMPLES_PER_ROUND", 60)


def test_successful_round_shows_the_target_and_its_outcomes() -> None:
    result = run("--target", "tokens", "--seconds", "0", "--seed", "1", "--outcomes")
    assert result.exit_code == 0, result.output
    assert re.search(r"tokens .*\b60\b.* ok", result.output)
    assert "The continuation token was not created by the trigger" in result.output


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
def test_injected_bug_is_found_and_reproduced_by_its_blob(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_json, "_unique_members", dict)
    found = run("--target", "JSON input", "--seconds", "0", "--seed", "0")
    assert found.exit_code == 1
    assert "a repeated key was accepted" in found.output
    assert '--target "JSON input" --seed 0 --seconds 0' in found.output
    blob = re.search(r"@reproduce_failure\('[^']*', b'([^']*)'\)", found.output)
    assert blob is not None
    reproduced = run("--target", "JSON input", "--replay", blob[1])
    assert reproduced.exit_code == 1
    assert "a repeated key was accepted" in reproduced.output


def test_replay_without_a_target_is_rejected() -> None:
    assert run("--replay", "x").exit_code == 2
