"""Each mend of ministack is needed: a test here that fails says that one of them can go."""

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
    command = [sys.executable, "-m", "tests.localaws.emulators.ministack_facts", str(directory)]
    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return found


def test_it_has_neither_codecommit_nor_codepipeline(facts: dict[str, Any]) -> None:
    """ministack_services.add_service"""
    assert facts["services"] == ["states"]


def test_its_cloudformation_has_neither_repositories_nor_pipelines(facts: dict[str, Any]) -> None:
    """ministack_cloudformation"""
    assert facts["resource types"] == []


def test_its_rules_cannot_start_a_pipeline(facts: dict[str, Any]) -> None:
    """ministack_events.deliver_to"""
    assert [text for text in facts["pipeline target"] if "unsupported target" in text]


def test_it_lets_nobody_publish_as_an_aws_service(facts: dict[str, Any]) -> None:
    """ministack_events.publish"""
    assert facts["aws source"] == 1


def test_its_functions_lose_the_name_of_an_error(facts: dict[str, Any]) -> None:
    """ministack_lambda.run_functions_with"""
    assert facts["handler errors"]


def test_its_state_machines_tell_no_previous_event(facts: dict[str, Any]) -> None:
    """Why executions run on moto's interpreter: without it, the failed state cannot be found."""
    assert not facts["previous event ids"]


def test_its_buckets_lose_their_encryption(facts: dict[str, Any]) -> None:
    """ministack_properties.encrypt_buckets"""
    assert facts["bucket encryption"] == {}


def test_its_state_machines_do_not_know_that_they_are_traced(facts: dict[str, Any]) -> None:
    """ministack_properties.remember_tracing"""
    assert facts["tracing"] is None


def test_it_forgets_sessions_that_are_expired(facts: dict[str, Any]) -> None:
    """ministack_iam.remember_expired_sessions: a key that nobody knows is the developer's."""
    assert not facts["expired session"]


def test_it_knows_no_actions_of_the_services_that_are_ours(facts: dict[str, Any]) -> None:
    """service_requests, and why its own enforcement would let their requests pass."""
    assert "codecommit" not in facts["actions of"]
