"""Fails when ministack no longer needs a patch of its alarms, which the test's docstring names."""

from __future__ import annotations

from typing import Any


def test_alarms_ignore_dimensions(facts: dict[str, Any]) -> None:
    """cloudwatch.evaluate_alarms"""
    assert facts["metric of another stack"] == "ALARM"


def test_alarms_are_not_evaluated_when_a_service_records_a_metric(facts: dict[str, Any]) -> None:
    """cloudwatch.evaluate_alarms"""
    assert facts["after the metric"] == "INSUFFICIENT_DATA"


def test_alarms_ignore_how_missing_data_is_treated(facts: dict[str, Any]) -> None:
    """cloudwatch.evaluate_alarms"""
    assert facts["without data"] == "INSUFFICIENT_DATA"


def test_alarms_publish_without_permission(facts: dict[str, Any]) -> None:
    """cloudwatch.check_topic_policies"""
    assert facts["published without permission"] == ["arn:aws:sns:us-east-1:000000000000:t"]


def test_topics_lose_their_key(facts: dict[str, Any]) -> None:
    """cloudformation.properties.encrypt_topics"""
    assert facts["key of topic"] is None
