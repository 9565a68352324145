"""Fails when ministack no longer needs a patch of its events, which the test's docstring names."""

from __future__ import annotations

from typing import Any


def test_s3_events_lack_the_version(facts: dict[str, Any]) -> None:
    """eventbridge.add_versions_to_s3_events; all other members are there."""
    assert facts["notified"] == {"key": "k", "size": 1, "etag": "e", "sequencer": "1"}


def test_rules_invoke_functions_without_permission(facts: dict[str, Any]) -> None:
    """eventbridge.invoke_functions_as_lambda"""
    assert facts["invoked without permission"] == ["arn:aws:lambda:us-east-1:000000000000:function:f"]


def test_dead_letter_queues_receive_more_than_the_event(facts: dict[str, Any]) -> None:
    """dead_letter_queues.send_events_of_failed_functions"""
    assert facts["lost event"]["requestPayload"] == {"the": "event"}


def test_functions_lose_their_dead_letter_queue(facts: dict[str, Any]) -> None:
    """dead_letter_queues.set_queues_of_functions"""
    assert facts["dead-letter queue"] is None


def test_type_of_trails_is_missing(facts: dict[str, Any]) -> None:
    """cloudformation.types.cloudtrail"""
    assert not facts["trail type"]


def test_trail_can_have_a_bucket_that_does_not_exist(facts: dict[str, Any]) -> None:
    """cloudtrail.check_buckets_of_trails"""
    assert facts["trail without bucket"] == 200


def test_trails_record_no_data_events(facts: dict[str, Any]) -> None:
    """cloudtrail.record_data_events"""
    assert (facts["put"], facts["recorded"]) == (200, 0)
