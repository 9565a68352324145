"""Runs the functions of ministack's Lambda on AWS's own runtime client.

ministack's worker names every error `Runtime.HandlerError`, so no Catch or Retry of a
state machine would match; and its processes outlive it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from stepline.localaws.functions import FunctionRunner, FunctionsError, FunctionVersion

_PATH = f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin"


def run_functions_with(runner: FunctionRunner, *, endpoint_url: str) -> None:
    """Let `runner` execute the Python functions; ministack keeps their configuration, code and logs."""

    def execute(function: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        configuration = function.get("config") or function
        try:
            result = runner.invoke(
                _version(configuration, endpoint_url),
                lambda: function["code_zip"],
                json.dumps(event).encode(),
                request_id=request_id,
            )
        except FunctionsError as error:
            body = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {"body": body, "error": True, "log": ""}
        answer: dict[str, Any] = {"body": json.loads(result.payload or b"null"), "log": result.log}
        return answer | {"error": True} if result.function_error else answer

    def invalidate(name: str, *args: Any, **kwargs: Any) -> None:
        runner.discard(name)
        original_invalidate(name, *args, **kwargs)

    original_invalidate = lambda_runtime.invalidate_worker
    lambda_svc._execute_function_warm = execute
    lambda_svc.invalidate_worker = invalidate


def _version(configuration: dict[str, Any], endpoint_url: str) -> FunctionVersion:
    region = configuration["FunctionArn"].split(":")[3]
    environment = {
        "PATH": _PATH,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": endpoint_url,
        # There is no X-Ray here to send traces to.
        "POWERTOOLS_TRACE_DISABLED": "true",
        **lambda_runtime.execution_credentials(configuration),
        **configuration.get("Environment", {}).get("Variables", {}),
    }
    return FunctionVersion(
        name=configuration["FunctionName"],
        arn=configuration["FunctionArn"],
        handler=configuration["Handler"],
        code_sha256=configuration["CodeSha256"],
        timeout_seconds=float(configuration.get("Timeout", 3)),
        memory_mb=int(configuration.get("MemorySize", 128)),
        environment=environment,
    )
