"""Each mend of how ministack tells of written objects is needed: a test that fails says that one can go."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.localaws.emulators.ministack_s3_facts import FUNCTION

PROJECT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    directory = tmp_path_factory.mktemp("ministack")
    command = [sys.executable, "-m", "tests.localaws.emulators.ministack_s3_facts", str(directory)]
    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return found


def test_its_events_do_not_tell_the_version(facts: dict[str, Any]) -> None:
    """ministack_s3_events.tell_versions; all else is as it should be."""
    assert facts["notified"] == {"key": "k", "size": 1, "etag": "e", "sequencer": "1"}


def test_its_rules_invoke_functions_that_do_not_let_them_in(facts: dict[str, Any]) -> None:
    """ministack_s3_events.invoke_functions"""
    assert facts["invoked without permission"] == [FUNCTION]


def test_its_dead_letter_queues_get_more_than_the_event(facts: dict[str, Any]) -> None:
    """ministack_s3_events.keep_lost_events"""
    assert facts["lost event"]["requestPayload"] == {"the": "event"}


def test_its_cloudformation_forgets_dead_letter_queues(facts: dict[str, Any]) -> None:
    """ministack_s3_events.keep_lost_events"""
    assert facts["dead-letter queue"] is None


def test_its_cloudformation_has_no_trails(facts: dict[str, Any]) -> None:
    """ministack_trails.add_trail_type"""
    assert not facts["trail type"]


def test_its_trails_may_write_to_buckets_that_do_not_exist(facts: dict[str, Any]) -> None:
    """ministack_trails.check_buckets"""
    assert facts["trail without bucket"] == 200


def test_its_trails_record_nothing(facts: dict[str, Any]) -> None:
    """ministack_cloudtrail.record_data_events"""
    assert (facts["put"], facts["recorded"]) == (200, 0)
