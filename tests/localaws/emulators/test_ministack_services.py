"""Fails when ministack no longer needs a patch of its services, which the test's docstring names."""

from __future__ import annotations

from typing import Any


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
