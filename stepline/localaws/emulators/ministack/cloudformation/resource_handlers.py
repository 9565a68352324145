"""Wraps all handlers of resource types: converts scalars, and explains what is no error of AWS."""

from __future__ import annotations

import ast
import contextlib
import dis
import functools
import json
import logging
import re
from collections.abc import Callable
from types import TracebackType
from typing import Any

from ministack.core import responses
from ministack.services.cloudformation import custom_resource, provisioners

from stepline.localaws.cloudformation.names import Arns
from stepline.localaws.cloudformation.recorded_types import RecordedResource
from stepline.localaws.cloudformation.scalars import as_text, convert_scalars
from stepline.localaws.cloudformation.type_schemas import (
    resource_schema,
    sole_identifier,
)
from stepline.localaws.emulators.ministack.cloudformation.resource_types import Properties, Resource

_USER_POOL = "AWS::Cognito::UserPool"

_log = logging.getLogger(__name__)
_OWN_MODULES = ("ministack.", "stepline.")
_RESPONSE = re.compile(r"""(?P<cause>.*?): (?P<body>b(['"]).*\3)""", re.DOTALL)
"""A message of ministack with the body of a response, in the form that Python prints."""
_RAISE = dis.opmap["RAISE_VARARGS"]


def guard_handlers() -> None:
    """Wrap the handlers of all types; call this after all types and checks are added."""
    for resource_type, handler in provisioners._RESOURCE_HANDLERS.items():
        for operation, wrap in (("create", _create), ("update", _update), ("delete", _delete)):
            if operation in handler:
                handler[operation] = wrap(resource_type, handler[operation])
    _convert_for_custom_resources()


def converted(resource_type: str, properties: Properties) -> Properties:
    """Return the properties with the types of the schema; the template may have `"2"` for 2."""
    schema = resource_schema(resource_type, responses.get_region())
    return properties if schema is None else convert_scalars(schema, properties)


def _create(resource_type: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def create(logical_id: str, properties: Properties, stack_name: str) -> Any:
        with _Explained("create", resource_type, logical_id):
            given = converted(resource_type, properties)
            return _with_attributes(resource_type, given, *original(logical_id, given, stack_name))

    return create


def _update(resource_type: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def update(physical_id: str, old: Properties, new: Properties, *args: Any, **kwargs: Any) -> Any:
        with _Explained("update", resource_type, physical_id):
            before, after = converted(resource_type, old), converted(resource_type, new)
            return _with_attributes(
                resource_type, after, *original(physical_id, before, after, *args, **kwargs)
            )

    return update


def _delete(resource_type: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def delete(physical_id: str, properties: Properties, *args: Any) -> Any:
        with _Explained("delete", resource_type, physical_id):
            return original(physical_id, converted(resource_type, properties), *args)

    return delete


def _with_attributes(
    resource_type: str, properties: Properties, physical_id: str, attributes: dict[str, Any] | None
) -> Resource:
    """Add attributes that ministack lacks: identifiers, given properties (CidrBlock), and made up values."""
    schema = resource_schema(resource_type, responses.get_region()) or {}
    own = dict.fromkeys(sole_identifier(schema), physical_id) | (attributes or {})
    if resource_type == _USER_POOL:
        own["ProviderURL"] = f"https://{own['ProviderName']}"
    arns = Arns(responses.get_account_id(), responses.get_region())
    recorded = RecordedResource(resource_type, schema, properties, physical_id, arns, physical_id)
    given = {name: value for name, value in properties.items() if isinstance(value, str | int)}
    return physical_id, given | recorded.attributes() | own


def _convert_for_custom_resources() -> None:
    """Send the properties of custom resources as text, as CloudFormation does: `true` as `"true"`."""
    original = custom_resource.invoke_custom_resource

    @functools.wraps(original)
    def invoke(request_type: str, logical_id: str, properties: Properties, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("old_props") is not None:
            kwargs["old_props"] = as_text(kwargs["old_props"])
        return original(request_type, logical_id, as_text(properties), *args, **kwargs)

    custom_resource.invoke_custom_resource = invoke


class _Explained:
    """Raises ValueError, which names the resource, for an error that is no refusal of a service."""

    def __init__(self, operation: str, resource_type: str, name: str) -> None:
        self._operation = operation
        self._resource = f"{name} ({resource_type})"

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and traceback is not None and not _is_refusal(error, traceback):
            _log.error("Could not %s %s", self._operation, self._resource, exc_info=error)
            raise ValueError(
                f"The local AWS failed to {self._operation} {self._resource}. Check that each property has"
                " the type that AWS documents; the log of the local AWS has the details."
            ) from error
        if isinstance(error, ValueError) and (found := _RESPONSE.fullmatch(str(error))):
            raise ValueError(f"{found['cause']}: {_message(found['body'])}") from error


def _message(body: str) -> str:
    """Return the message in a response's body, which is the text of a Python literal."""
    text = str(ast.literal_eval(body), "utf-8", "replace")
    with contextlib.suppress(ValueError):
        response = json.loads(text)
        return str(response.get("message") or response.get("Message") or text)
    return text


def _is_refusal(error: Exception, traceback: TracebackType) -> bool:
    """Return whether code of a service raised the error itself, with a message for users.

    What Python raises, such as "'str' object cannot be interpreted as an integer", has no raise statement.
    """
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    frame = traceback.tb_frame
    raised = frame.f_code.co_code[traceback.tb_lasti] == _RAISE
    module = frame.f_globals.get("__name__", "")
    return raised and module.startswith(_OWN_MODULES) and not isinstance(error, LookupError | TypeError)
