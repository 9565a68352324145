"""Adds `http:invoke` and `apigateway:invoke` [guide, "Call HTTPS APIs", "API Gateway"]; moto's fails."""

from __future__ import annotations

import contextvars
import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import urllib3
from botocore.exceptions import ClientError
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_unsupported,
)

from stepline.localaws.emulators.moto.failures import task_failure
from stepline.localaws.emulators.moto.tasks import task_clients
from stepline.localaws.stepfunctions.interpreter import HttpConnections, HttpRequest

MAX_RESPONSE_BYTES: Final = 262_144
TIMEOUT_SECONDS: Final = 60
"""[guide, "Call HTTPS APIs in Step Functions workflows"]"""

_FAILED: Final = 400
_JSON: Final = "application/json; charset=UTF-8"
_FORM: Final = "application/x-www-form-urlencoded"
_NOT_FOUND: Final = "Events.ConnectionResource.NotFound"
_DENIED: Final = "Events.ConnectionResource.AccessDenied"

http_connections: contextvars.ContextVar[HttpConnections] = contextvars.ContextVar("http_connections")
"""The connections of the execution that the current thread belongs to."""

_pool = urllib3.PoolManager(retries=False, timeout=TIMEOUT_SECONDS)


class HttpCallError(Exception):
    """An HTTP call failed. `name` is the error of the task, the text its cause."""

    def __init__(self, name: str, cause: str) -> None:
        self.name = name
        super().__init__(cause)


def add_http_tasks() -> None:
    """Run `http:invoke` and `apigateway:invoke`; moto lacks the one, and fails to call its own other one."""
    original = state_task_factory.state_task_service_for
    tasks = {"apigateway": ApiGatewayTask, "http": HttpTask}

    def task_for(service_name: str) -> Any:
        return tasks[service_name]() if service_name in tasks else original(service_name=service_name)

    state_task_factory.state_task_service_for = task_for


class HttpTask(state_task_service_unsupported.StateTaskServiceUnsupported):  # type: ignore[misc]
    """A task `arn:aws:states:::http:invoke`."""

    def _log_unsupported_warning(self) -> None:
        """It is supported."""

    def _normalise_parameters(self, parameters: Any, *_args: Any, **_settings: Any) -> None:
        """The parameters are not those of a request of AWS."""

    _normalise_response = _normalise_parameters

    def _from_error(self, env: Any, ex: Exception) -> Any:
        if isinstance(ex, HttpCallError):
            return task_failure(self, env, ex.name, str(ex))
        return super()._from_error(env, ex)

    def _eval_service_task(
        self, env: Any, resource_runtime_part: Any, normalised_parameters: Any, *_args: Any, **_settings: Any
    ) -> None:
        machine_arn = env.states.context_object.context_object_data["StateMachine"]["Id"]
        region = resource_runtime_part.region
        env.stack.append(_invoke(normalised_parameters, machine_arn, user_agent(region)))


class ApiGatewayTask(HttpTask):
    """A task `arn:aws:states:::apigateway:invoke`. A status above 400 is the error `ApiGateway.404`."""

    def _eval_service_task(
        self, env: Any, resource_runtime_part: Any, normalised_parameters: Any, *_args: Any, **_settings: Any
    ) -> None:
        parameters = normalised_parameters
        url, headers = _api_address(str(parameters["ApiEndpoint"]))
        for part in (parameters.get("Stage"), parameters.get("Path")):
            url += f"/{str(part).strip('/')}" if part else ""
        headers["User-Agent"] = f"Amazon|StepFunctions|ApiGateway|{resource_runtime_part.region}"
        headers |= {name: ",".join(_texts(value)) for name, value in parameters.get("Headers", {}).items()}
        if query := parameters.get("QueryParameters"):
            url += "?" + urlencode({name: _texts(value) for name, value in query.items()}, doseq=True)
        method, body = str(parameters["Method"]).upper(), _body(parameters, {}, headers)
        env.stack.append(_send(method, url, headers, body, error_prefix="ApiGateway"))


def _api_address(endpoint: str) -> tuple[str, dict[str, str]]:
    """Return the address of an API's endpoint, and the headers that reach it: APIs of AWS are local ones."""
    if "://" not in endpoint:
        endpoint = f"https://{endpoint}"
    parts = urlsplit(endpoint)
    host = str(parts.hostname)
    if not host.endswith(".amazonaws.com"):
        return endpoint.rstrip("/"), {}
    local = urlsplit(task_clients.get()("apigateway").meta.endpoint_url)
    api = host.partition(".")[0]
    return f"{local.scheme}://{local.netloc}{parts.path}", {
        "Host": f"{api}.execute-api.localhost:{local.port}"
    }


def _texts(value: Any) -> list[str]:
    return [_text(item) for item in (value if isinstance(value, list) else [value]) if item is not None]


def user_agent(region: str) -> str:
    return f"Amazon|StepFunctions|HttpInvoke|{region}"


def _invoke(parameters: Mapping[str, Any], machine_arn: str, agent: str) -> dict[str, Any]:
    endpoint, method = str(parameters["ApiEndpoint"]), str(parameters["Method"]).upper()
    if urlsplit(endpoint).scheme not in {"http", "https"}:
        raise HttpCallError("States.Runtime", f"The ApiEndpoint is not a URL: {endpoint}")
    authentication = parameters.get("Authentication") or parameters.get("InvocationConfig") or {}
    request = HttpRequest(machine_arn, str(authentication.get("ConnectionArn", "")), endpoint, method)
    try:
        connection = http_connections.get()(request)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        name = _NOT_FOUND if code == "ResourceNotFoundException" else _DENIED
        raise HttpCallError(name, error.response["Error"]["Message"]) from error
    headers = {"User-Agent": agent, "Range": f"bytes=0-{MAX_RESPONSE_BYTES}"}
    headers |= {name: str(value) for name, value in parameters.get("Headers", {}).items()}
    body = _body(parameters, connection.body, headers)
    query = {**parameters.get("QueryParameters", {}), **connection.query_parameters}
    if query:
        endpoint += ("&" if urlsplit(endpoint).query else "?") + urlencode(query, doseq=True)
    return _send(method, endpoint, headers | dict(connection.headers), body)


def _body(parameters: Mapping[str, Any], more: Mapping[str, Any], headers: dict[str, str]) -> bytes | None:
    """Return the body, with the members that the connection adds, and set its media type."""
    body = parameters.get("RequestBody")
    if more:
        body = {**(body if isinstance(body, Mapping) else {}), **more}
    if body is None:
        return None
    transform = parameters.get("Transform", {})
    names = {name.lower() for name in headers}
    if transform.get("RequestBodyEncoding") == "URL_ENCODED":
        if "content-type" not in names:
            headers["Content-Type"] = _FORM
        form = transform.get("RequestEncodingOptions", {}).get("ArrayFormat", "INDICES")
        return urlencode(list(_form_fields(body, form))).encode()
    if "content-type" not in names:
        headers["Content-Type"] = _JSON
    if isinstance(body, str):
        return body.encode()
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _form_fields(body: Any, array_format: str, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the fields of a form [guide, "URL-encoding request body"]: `array[0]=a` for INDICES."""
    if isinstance(body, Mapping):
        for name, value in body.items():
            yield from _form_fields(value, array_format, f"{prefix}[{name}]" if prefix else str(name))
    elif isinstance(body, list) and array_format == "COMMAS":
        yield prefix, ",".join(map(_text, body))
    elif isinstance(body, list):
        for index, value in enumerate(body):
            suffix = {"BRACKETS": "[]", "INDICES": f"[{index}]"}.get(array_format, "")
            yield from _form_fields(value, array_format, f"{prefix}{suffix}")
    else:
        yield prefix, _text(body)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _send(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    *,
    error_prefix: str = "States.Http.StatusCode",
) -> dict[str, Any]:
    try:
        response = _pool.request(method, url, headers=dict(headers), body=body, redirect=False)
    except urllib3.exceptions.HTTPError as error:
        raise HttpCallError("States.Http.Socket", f"The HTTP call failed: {type(error).__name__}") from error
    text = response.data[:MAX_RESPONSE_BYTES].decode(errors="replace")
    if response.status >= _FAILED:
        cause = text or _phrase(response.status)
        raise HttpCallError(f"{error_prefix}.{response.status}", cause)
    return {
        "Headers": {name: response.headers.getlist(name) for name in response.headers},
        "ResponseBody": _parsed(text),
        "StatusCode": response.status,
        "StatusText": response.reason or _phrase(response.status),
    }


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else str(status)
