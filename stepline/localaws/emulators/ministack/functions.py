"""Patches ministack's Lambda: every error is called `Runtime.HandlerError`, and its workers outlive it.

With that name no Catch or Retry of a state machine would match.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import Any

from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from stepline.localaws.cloudwatch import embedded_metrics
from stepline.localaws.emulators.ministack import cloudwatch
from stepline.localaws.functions import FunctionRunner, FunctionsError, FunctionVersion, Layer
from stepline.localaws.functions.runtimes import why_not
from stepline.localaws.iam import Actor
from stepline.localaws.iam.required_permissions import log_permissions, tracing_permissions
from stepline.localaws.service_roles import ServiceRoles

_NO_ROLE = "The role defined for the function cannot be assumed by Lambda."
_LATEST = "$LATEST"
_EXECUTORS = (
    "_execute_function_docker",
    "_execute_function_provided",
    "_execute_function_provided_warm",
    "_execute_function_warm",
)
"""What ministack calls for the runtimes."""

_MAX_INVOCATIONS = 4_000
"""At the same time, most of which wait for one of a few execution environments. ministack counts them as
processes, and lets no more run than fit into the memory: some hundreds."""

_PATH = f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin"


def run_functions_with(runner: FunctionRunner, roles: ServiceRoles, *, endpoint_url: str) -> None:
    """Run functions with `runner`, on runtime clients, each as a session of its own role.

    ministack keeps their configuration, code and logs.
    """

    def execute(function: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        configuration = function.get("config") or function
        if unsupported := _unsupported_runtime(configuration):
            return _failure("Runtime.NotSupported", unsupported)
        try:
            result = runner.invoke(
                _version(configuration, endpoint_url, roles.keys(_actor(configuration))),
                lambda: function["code_zip"],
                json.dumps(event).encode(),
                request_id=request_id,
            )
        except FunctionsError as error:
            return _failure(type(error).__name__, str(error))
        except ClientError as error:
            return _failure("AccessDeniedException", f"{_NO_ROLE} {error.response['Error']['Message']}")
        if configuration.get("TracingConfig", {}).get("Mode") == "Active":
            roles.allows(_actor(configuration), tracing_permissions())
        response: dict[str, Any] = {"body": json.loads(result.payload or b"null"), "log": result.log}
        return response | {"error": True} if result.function_error else response

    def invalidate(name: str, *args: Any, **kwargs: Any) -> None:
        runner.discard(name)
        original_invalidate(name, *args, **kwargs)

    def write_log(function: dict[str, Any], request_id: str, text: str, *args: Any, **kwargs: Any) -> None:
        configuration = function.get("config") or function
        if roles.allows(_actor(configuration), log_permissions(_log_group_arn(configuration), request_id)):
            original_write_log(function, request_id, text, *args, **kwargs)
            for metric in embedded_metrics(text):
                cloudwatch.record(metric)

    original_write_log = lambda_svc._emit_lambda_logs
    original_invalidate = lambda_runtime.invalidate_worker
    lambda_svc._ACCOUNT_CONCURRENCY_CAP = _MAX_INVOCATIONS
    lambda_svc._emit_lambda_logs = write_log
    for executor in _EXECUTORS:
        setattr(lambda_svc, executor, execute)
    lambda_svc.invalidate_worker = invalidate


def _unsupported_runtime(configuration: dict[str, Any]) -> str:
    """Return why the function cannot run here, or an empty text."""
    runtime = "a container image" if configuration.get("PackageType") == "Image" else configuration["Runtime"]
    if not (reason := why_not(runtime)):
        return ""
    name = configuration["FunctionName"]
    return f"{name} has {runtime}, and {reason}. It can be deployed here, but not invoked."


def _actor(configuration: dict[str, Any]) -> Actor:
    """Return the actor, whose session is named after the function, as on AWS."""
    return Actor("lambda.amazonaws.com", configuration["Role"], configuration["FunctionName"])


def _failure(error_type: str, message: str) -> dict[str, Any]:
    body = {"errorType": error_type, "errorMessage": message}
    return {"body": body, "error": True, "log": ""}


def _log_group_arn(configuration: dict[str, Any]) -> str:
    _, _, _, region, account = configuration["FunctionArn"].split(":")[:5]
    name = configuration.get("LoggingConfig", {}).get("LogGroup")
    name = name or f"/aws/lambda/{configuration['FunctionName']}"
    return f"arn:aws:logs:{region}:{account}:log-group:{name}"


def _version(configuration: dict[str, Any], endpoint_url: str, keys: ReadOnlyCredentials) -> FunctionVersion:
    region = configuration["FunctionArn"].split(":")[3]
    environment = {
        "PATH": _PATH,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": endpoint_url,
        # The local AWS has no X-Ray to send traces to.
        "POWERTOOLS_TRACE_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_SESSION_TOKEN": keys.token or "",
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
        is_latest=configuration.get("Version", _LATEST) == _LATEST,
        runtime=configuration["Runtime"],
        layers=tuple(_layer(attached) for attached in configuration.get("Layers") or ()),
    )


def _layer(attached: dict[str, Any]) -> Layer:
    return Layer(attached["Arn"], partial(lambda_svc._resolve_layer_zip, attached))
