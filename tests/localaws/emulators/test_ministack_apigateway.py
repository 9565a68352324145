"""Each mend of ministack's API Gateway is needed: a test here that fails says that one of them can go.

How the mended one behaves, tests/end_to_end/test_process.py shows. What ministack does is read from its
source: to import it would load all of it into this process.
"""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def source() -> dict[str, str]:
    """The functions of ministack's API Gateway, by name."""
    package = find_spec("ministack")
    assert package is not None
    assert package.origin is not None
    text = Path(package.origin).with_name("services").joinpath("apigateway_v1.py").read_text()
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    functions = (node for node in ast.parse(text).body if isinstance(node, kinds))
    return {node.name: ast.get_source_segment(text, node) or "" for node in functions}


def test_it_does_not_tell_a_function_whose_api_key_it_was(source: dict[str, str]) -> None:
    """ministack_apigateway.tell_api_keys"""
    assert "apiKey" not in source["_build_lambda_event_v1"]


def test_it_answers_with_a_function_s_own_error(source: dict[str, str]) -> None:
    """ministack_apigateway.keep_errors_inside"""
    assert 'return None, str(lambda_response.get("body")' in source["_lambda_proxy_response"]


def test_it_does_not_ask_a_function_s_policy(source: dict[str, str]) -> None:
    """ministack_apigateway.ask_function_policies"""
    calls = source["_invoke_lambda_proxy_v1"] + source["_call_lambda_raw"]
    assert "policy" not in calls.lower()


def test_it_takes_any_role_for_the_account_s_logs(source: dict[str, str]) -> None:
    """ministack_apigateway.check_logs_role"""
    assert "role" not in source["_update_account"].lower()


def test_it_takes_the_text_false_for_true(source: dict[str, str]) -> None:
    """ministack_apigateway.disable_api_keys"""
    assert "enabled" not in source["_update_api_key"] + source["_apply_patch"]
