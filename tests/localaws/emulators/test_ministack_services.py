"""Fails when ministack no longer needs a patch of its services, which the test's docstring names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.localaws.emulators.conftest import functions_of


def test_codecommit_and_codepipeline_are_missing(facts: dict[str, Any]) -> None:
    """routing.add_service"""
    assert facts["services"] == ["states"]


def test_types_of_codecommit_and_codepipeline_are_missing(facts: dict[str, Any]) -> None:
    """cloudformation.types"""
    assert facts["resource types"] == []


def test_rules_cannot_start_a_pipeline(facts: dict[str, Any]) -> None:
    """eventbridge.deliver_to"""
    assert [text for text in facts["pipeline target"] if "unsupported target" in text]


def test_events_with_an_aws_source_are_refused(facts: dict[str, Any]) -> None:
    """eventbridge.publish"""
    assert facts["aws source"] == 1


def test_function_errors_lose_their_name(facts: dict[str, Any]) -> None:
    """functions.run_functions_with"""
    assert facts["handler errors"]


def test_histories_lack_previous_event_ids(facts: dict[str, Any]) -> None:
    """routing.add_service of Step Functions: without these ids the failed state cannot be found."""
    assert not facts["previous event ids"]


def test_buckets_lose_their_encryption(facts: dict[str, Any]) -> None:
    """cloudformation.properties.encrypt_buckets"""
    assert facts["bucket encryption"] == {}


def test_encryption_with_kms_needs_a_key(facts: dict[str, Any]) -> None:
    """s3_encryption.use_the_managed_key"""
    assert facts["encryption without a key"] is None


def test_state_machines_lose_their_tracing_configuration(facts: dict[str, Any]) -> None:
    """cloudformation.state_machines.set_tracing"""
    assert facts["tracing"] is None


def test_expired_sessions_are_deleted(facts: dict[str, Any]) -> None:
    """iam.keep_expired_sessions: an unknown key counts as the developer's."""
    assert not facts["expired session"]


def test_iam_actions_of_codecommit_and_codepipeline_are_missing(facts: dict[str, Any]) -> None:
    """enforcement.enforce: ministack's own enforcement would allow their requests."""
    assert "codecommit" not in facts["actions of"]


def test_deeply_nested_document_is_a_server_error(facts: dict[str, Any]) -> None:
    """routing.refuse_deep_documents"""
    assert facts["deep document"] == 500


def test_schedules_are_late(facts: dict[str, Any]) -> None:
    """schedules.fire_within_a_second"""
    assert facts["seconds between schedules"] == [10, 10]


def test_time_zones_of_schedules_are_dropped_and_their_roles_unchecked(facts: dict[str, Any]) -> None:
    """schedules.check_schedules, cloudformation.types.schedules"""
    assert facts["schedule"]["ScheduleExpressionTimezone"] == "UTC"


def test_schedules_have_no_permissions(ministack_source: Callable[[str], str]) -> None:
    """schedules.fire_schedules_as_scheduler"""
    tick = functions_of(ministack_source("scheduler.py"))["_tick_schedules"]
    assert "_eb._invoke_target(target, event, sched)" in tick


def test_tables_lose_their_time_to_live(facts: dict[str, Any]) -> None:
    """cloudformation.properties.set_expiry_and_recovery_of_tables"""
    assert facts["time to live"] == {"TimeToLiveStatus": "DISABLED"}
