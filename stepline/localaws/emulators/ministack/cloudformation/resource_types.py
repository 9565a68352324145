"""Patches ministack's table of resource types: adds types, and wraps those that exist."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError
from botocore.model import Shape
from ministack.services.cloudformation import provisioners

from stepline.localaws.cloudformation.scalars import as_text
from stepline.localaws.protocol.service import service_model

Properties = Mapping[str, Any]
Resource = tuple[str, dict[str, str]]
"""What `Ref` returns, and what `Fn::GetAtt` returns by attribute."""


def add_type(
    resource_type: str,
    create: Callable[[str, Properties, str], Resource],
    update: Callable[[str, Properties, Properties, str], Resource],
    delete: Callable[[str, Properties], None],
    *,
    tags: str | None = "list",
) -> None:
    """Add a type: `create(logical_id, properties, stack_name)`, `update(physical_id, old, new, stack_name)`,
    `delete(physical_id, properties)`.

    The schema of the type says which changes replace a resource. `tags` is "list" or "map", or None for a
    type without tags. The text of a ValueError becomes the resource's status reason, as does the message of
    a ClientError.
    """

    def explained(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            try:
                return function(*args)
            except ClientError as error:
                raise ValueError(f"{resource_type}: {error.response['Error']['Message']}") from error

        return call

    provisioners._RESOURCE_HANDLERS[resource_type] = {
        "create": explained(create),
        "update": explained(update),
        "delete": explained(delete),
    }
    if tags is not None:
        provisioners._STACK_TAG_PROPERTY[resource_type] = ("Tags", tags)


def before_change(resource_type: str, check: Callable[[str, Properties], None]) -> None:
    """Call `check` with Create, Update or Delete and the properties before each change of a resource.

    The text of a ValueError from `check` becomes the resource's status reason.
    """
    _wrap_type(resource_type, before=check)


def after_change(resource_type: str, apply: Callable[[str, Properties], None]) -> None:
    """Call `apply` with physical id and properties of each resource that was created or updated."""
    _wrap_type(resource_type, after=apply)


def _ignore(_first: str, _properties: Properties) -> None:
    pass


def _wrap_type(
    resource_type: str,
    *,
    before: Callable[[str, Properties], None] = _ignore,
    after: Callable[[str, Properties], None] = _ignore,
) -> None:
    handlers = provisioners._RESOURCE_HANDLERS[resource_type]
    original_create, original_update, original_delete = map(handlers.get, ("create", "update", "delete"))

    @functools.wraps(original_create)
    def create(logical_id: str, properties: Properties, stack_name: str) -> Any:
        before("Create", properties)
        resource = original_create(logical_id, properties, stack_name)
        after(resource[0], properties)
        return resource

    @functools.wraps(original_update)
    def update(physical_id: str, old: Properties, new: Properties, *args: Any, **kwargs: Any) -> Any:
        before("Update", new)
        resource = original_update(physical_id, old, new, *args, **kwargs)
        after(resource[0], new)
        return resource

    @functools.wraps(original_delete)
    def delete(physical_id: str, properties: Properties) -> Any:
        before("Delete", properties)
        return original_delete(physical_id, properties)

    handlers.update(create=create, update=update, delete=delete)


def refuse_properties(resource_type: str, properties: Properties, unsupported: set[str]) -> None:
    """Raise ValueError, which names them, if any of the properties is unsupported."""
    if found := sorted(unsupported & properties.keys()):
        raise ValueError(f"{resource_type}: the local AWS does not support {', '.join(found)}")


def user_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags without those that CloudFormation adds itself, which no API accepts."""
    return {key: value for key, value in tags.items() if not key.startswith("aws:")}


def listed_tags(properties: Properties) -> dict[str, str]:
    """Return the user's tags of a type whose property `Tags` is a list."""
    return user_tags({tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])})


def api_names(value: Any, key: str = "") -> Any:
    """Return a template's properties with the API's names at every depth: `RoleArn` -> `roleArn`.

    The keys of `Configuration`, an action's own, are the same in both.
    """
    if isinstance(value, Mapping):
        if key == "Configuration":
            return {name: as_text(item) for name, item in value.items()}
        return {name[0].lower() + name[1:]: api_names(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [api_names(item) for item in value]
    return int(value) if key in {"RunOrder", "TimeoutInMinutes"} else value


def request_parameters(service: str, operation: str, properties: Properties) -> dict[str, Any]:
    """Return those of the template's properties that the operation has, as its parameters."""
    shape = service_model(service).operation_model(operation).input_shape
    request: dict[str, Any] = _converted(shape, properties)
    return request


def _converted(shape: Any, value: Any) -> Any:
    """Convert a template's value by the model: names, and numbers that may be text."""
    convert: Callable[[Any, Any], Any] = _CONVERSIONS.get(shape.type_name, lambda _shape, item: item)
    return convert(shape, value)


def _structure(shape: Any, value: Mapping[str, Any]) -> dict[str, Any]:
    members: Mapping[str, Shape] = {name.lower(): member for name, member in shape.members.items()}
    names = {name.lower(): name for name in shape.members}
    return {
        names[key.lower()]: _converted(members[key.lower()], item)
        for key, item in value.items()
        if key.lower() in names
    }


_CONVERSIONS: dict[str, Callable[[Any, Any], Any]] = {
    "structure": _structure,
    "list": lambda shape, value: [_converted(shape.member, item) for item in value],
    "map": lambda shape, value: {key: _converted(shape.value, item) for key, item in value.items()},
    "integer": lambda _shape, value: int(value),
    "string": lambda _shape, value: str(value),
    "boolean": lambda _shape, value: value in {True, "true"},
}
