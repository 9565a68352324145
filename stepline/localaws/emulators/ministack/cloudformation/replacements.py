"""Patches updates of resources: they replace a resource if a create-only property changed, and only then."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import apigateway_v1
from ministack.services.cloudformation import provisioners, stacks

from stepline.localaws.emulators.ministack.cloudformation.change_details import type_facts
from stepline.localaws.emulators.ministack.cloudformation.resource_handlers import converted

Properties = Mapping[str, Any]

_REST_API = "AWS::ApiGateway::RestApi"
_REPLACING_CALLS = frozenset({"_delete_predecessor", "_rename_replacement", "_seeded_create"})


def replace_as_described() -> None:
    """Replace a resource in an update if the change set said so."""

    def replacing_change(resource_type: str, old: Properties, new: Properties) -> bool:
        before, after = (converted(resource_type, _own(properties)) for properties in (old, new))
        return type_facts(resource_type).behavior.replaces(before, after)

    provisioners._replacing_change = replacing_change
    stacks._replacing_change = replacing_change
    _keep_own_properties()
    _keep_replacements_of_handlers()


class _Tagged(dict[str, Any]):
    """Properties with the tags of the stack; `own` are those of the template."""

    def __init__(self, properties: Properties, own: Properties) -> None:
        super().__init__(properties)
        self.own = own


def _own(properties: Properties) -> Properties:
    return properties.own if isinstance(properties, _Tagged) else properties


def _keep_own_properties() -> None:
    """Keep the properties of the template: tags of the stack replace nothing, even if Tags is create-only."""
    original = provisioners._with_stack_tags

    @functools.wraps(original)
    def with_stack_tags(resource_type: str, properties: Properties, *args: Any) -> Properties:
        return _Tagged(original(resource_type, properties, *args), properties)

    for module in (provisioners, stacks):
        module._with_stack_tags = with_stack_tags


def _keep_replacements_of_handlers() -> None:
    """Let those handlers replace a resource that do so themselves.

    They know how to delete the old one if both have the same physical id, such as the stages of two APIs.
    """
    replace = provisioners._replace_resource

    def replace_resource(
        resource_type: str, physical_id: str, old: Properties, new: Properties, *names: str | None
    ) -> Any:
        """`names` are those of the stack and of the resource in it."""
        handler = provisioners._RESOURCE_HANDLERS.get(resource_type, {})
        update = handler.get("update")
        if resource_type not in provisioners._REPLACING_PROPERTIES and _replaces(update):
            queue = provisioners._DEFERRED_PREDECESSOR_DELETES.get() or []
            queued = len(queue)
            passed = names if handler.get("update_with_logical_id") else names[:1]
            resource = update(physical_id, old, new, *passed)
            if resource[0] != physical_id or len(queue) > queued:
                return resource
        return replace(resource_type, physical_id, old, new, *names)

    provisioners._replace_resource = replace_resource


def _replaces(update: Callable[..., Any] | None) -> bool:
    """Return whether a handler of ministack calls what replaces a resource."""
    return update is not None and not _REPLACING_CALLS.isdisjoint(inspect.unwrap(update).__code__.co_names)


def update_rest_apis_in_place() -> None:
    """Keep the id of a REST API, its stages and deployments when its Body changes; ministack replaces it.

    On AWS no property of the type is create-only, and a new Body overwrites the API.
    """
    handler = provisioners._RESOURCE_HANDLERS[_REST_API]
    original = handler["update"]

    @functools.wraps(original)
    def update(
        physical_id: str, old: Properties, new: Properties, stack_name: str, *args: Any, **kwargs: Any
    ) -> Any:
        if new.get("Body") == old.get("Body") or physical_id not in apigateway_v1._rest_apis:
            return original(physical_id, old, new, stack_name, *args, **kwargs)
        imported, _ = handler["create"](physical_id, new, stack_name)
        _overwrite(physical_id, imported)
        return physical_id, provisioners._apigw_rest_api_attrs(physical_id)

    handler["update"] = update


def _overwrite(api_id: str, imported: str) -> None:
    """Give the API the definition of the imported one, and delete that."""
    old = apigateway_v1._rest_apis[api_id]
    new = apigateway_v1._rest_apis[imported]
    kept = {key: old[key] for key in ("id", "createdDate")}
    apigateway_v1._rest_apis[api_id] = new | kept
    resources = _with_root(apigateway_v1._resources[imported], _root(apigateway_v1._resources[api_id]))
    apigateway_v1._resources[api_id] = resources
    for store in (apigateway_v1._authorizers_v1, apigateway_v1._models):
        store[api_id] = store[imported]
    apigateway_v1._v1_tags[apigateway_v1._rest_api_arn(api_id)] = dict(new["tags"])
    apigateway_v1._delete_rest_api(imported)


def _root(resources: Mapping[str, Any]) -> str:
    return next(identifier for identifier, resource in resources.items() if resource["path"] == "/")


def _with_root(resources: Mapping[str, Any], root: str) -> dict[str, Any]:
    """Return the resources with this id of the root, which an API keeps."""
    renamed = _root(resources)
    found = {}
    for resource in resources.values():
        if resource["id"] == renamed:
            resource["id"] = root
        if resource["parentId"] == renamed:
            resource["parentId"] = root
        found[resource["id"]] = resource
    return found
