"""The fuzzer itself: it finds a mistake that was put in, says how to repeat it, and repeats it."""

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
    monkeypatch.setattr(fuzz, "EXAMPLES_OF_A_ROUND", 60)


def test_all_is_well() -> None:
    result = run("--target", "tokens", "--seconds", "0", "--seed", "1", "--answers")
    assert result.exit_code == 0, result.output
    assert re.search(r"tokens .*\b60\b.* ok", result.output)
    assert "The continuation token was not created by the trigger" in result.output


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
def test_a_mistake_is_found_and_can_be_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_json, "_unique_members", dict)
    found = run("--target", "JSON input", "--seconds", "0", "--seed", "0")
    assert found.exit_code == 1
    assert "a repeated key was accepted" in found.output
    assert '--target "JSON input" --seed 0 --seconds 0' in found.output
    blob = re.search(r"@reproduce_failure\('[^']*', b'([^']*)'\)", found.output)
    assert blob is not None
    repeated = run("--target", "JSON input", "--replay", blob[1])
    assert repeated.exit_code == 1
    assert "a repeated key was accepted" in repeated.output


def test_a_replay_needs_its_target() -> None:
    assert run("--replay", "x").exit_code == 2
