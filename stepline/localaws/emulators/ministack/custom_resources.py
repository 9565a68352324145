"""Patches custom resources: ministack waits an hour for an answer of a function that has failed.

CloudFormation does so, too, since Lambda repeats the event; a developer does not want to wait for that.
"""

from __future__ import annotations

import functools
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import custom_resource

_RESPONSE_URL = "ResponseURL"


def fail_with_their_functions() -> None:
    original = lambda_svc._execute_function_with_config_scope

    @functools.wraps(original)
    def execute(function: dict[str, Any], event: Any) -> Any:
        result = original(function, event)
        if isinstance(event, dict) and _RESPONSE_URL in event and result.get("error"):
            _fail(event[_RESPONSE_URL].rpartition("/")[2], function, result)
        return result

    lambda_svc._execute_function_with_config_scope = execute


def _fail(token: str, function: dict[str, Any], result: dict[str, Any]) -> None:
    """Answer in the place of the function, unless it has answered before it failed."""
    pending = custom_resource._pending.get(token)
    if pending is None or pending["event"].is_set():
        return
    name = (function.get("config") or function)["FunctionName"]
    body = result["body"] if isinstance(result.get("body"), dict) else {}
    reason = f"The function {name} failed: {body.get('errorType')}: {body.get('errorMessage')}"
    custom_resource.deliver_response(token, {"Status": "FAILED", "Reason": reason})
