"""Each mend of ministack's stacks is needed: a test here that fails says that one of them can go."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    directory = tmp_path_factory.mktemp("ministack")
    command = [sys.executable, "-m", "tests.localaws.emulators.cloudformation_facts", str(directory)]
    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return found


def test_it_has_no_macros(facts: dict[str, Any]) -> None:
    """ministack_macros.add_macro_type"""
    assert not facts["macro type"]


def test_it_runs_none(facts: dict[str, Any]) -> None:
    """ministack_macros.run_macros"""
    assert "Fn::Transform" in facts["expanded"]["Resources"]["R"]["Properties"]


def test_it_acts_under_no_role(facts: dict[str, Any]) -> None:
    """ministack_stack_roles"""
    assert facts["knows roles"] == []


def test_it_does_not_know_the_managed_policies(facts: dict[str, Any]) -> None:
    """moto_policies"""
    assert facts["managed policy"] is None


def test_moto_knows_them(facts: dict[str, Any]) -> None:
    assert "ssm:*" in json.loads(facts["mended policy"])["Statement"][0]["Action"]
    assert facts["no policy"] is None
