"""Fails when ministack no longer needs a patch of API Gateway, which the test's docstring names.

tests/end_to_end/test_process.py tests how it behaves with the patches.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.localaws.emulators.conftest import functions_of


@pytest.fixture(scope="module")
def source(ministack_source: Callable[[str], str]) -> dict[str, str]:
    return functions_of(ministack_source("apigateway_v1.py"))


def test_event_of_a_function_lacks_the_api_key(source: dict[str, str]) -> None:
    """apigateway.add_api_key_to_event"""
    assert "apiKey" not in source["_build_lambda_event_v1"]


def test_error_of_a_function_is_the_answer(source: dict[str, str]) -> None:
    """apigateway.hide_function_errors"""
    assert 'return None, str(lambda_response.get("body")' in source["_lambda_proxy_response"]


def test_policy_of_a_function_is_not_checked(source: dict[str, str]) -> None:
    """apigateway.check_function_policies"""
    calls = source["_invoke_lambda_proxy_v1"] + source["_call_lambda_raw"]
    assert "policy" not in calls.lower()


def test_any_role_for_logs_is_accepted(source: dict[str, str]) -> None:
    """apigateway.check_logs_role"""
    assert "role" not in source["_update_account"].lower()


def test_text_false_enables_an_api_key(source: dict[str, str]) -> None:
    """apigateway.disable_api_keys"""
    assert "enabled" not in source["_update_api_key"] + source["_apply_patch"]
