"""Replaces ministack's comparison of templates: replacements are those of the schemas, for every type."""

from __future__ import annotations

import contextlib
import contextvars
import copy
import dataclasses
import functools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ministack.core import responses
from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, engine, handlers, stacks

from stepline.localaws.cloudformation.changes import (
    COMPARED_ATTRIBUTES,
    Change,
    Comparison,
    Definition,
    Definitions,
    Reference,
    TypeFacts,
    retaggable,
)
from stepline.localaws.cloudformation.references import IF, chosen_branch, intrinsic
from stepline.localaws.cloudformation.replacement import UpdateBehavior
from stepline.localaws.cloudformation.scalars import convert_scalars
from stepline.localaws.cloudformation.type_schemas import names_of, resource_schema

Template = Mapping[str, Any]


@dataclass(frozen=True)
class ComparedTemplates:
    """What a change set compared."""

    comparison: Comparison

    def changes_without(self, logical_ids: Collection[str]) -> list[Change]:
        """Return the changes if these resources did not change."""
        kept = {name: definition for name, definition in self.comparison.old.items() if name in logical_ids}
        return dataclasses.replace(self.comparison, new={**self.comparison.new, **kept}).changes()


PLACEHOLDER: Final = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""CloudFormation's text for a value that it reads only during the update."""

_unknown_parameters: contextvars.ContextVar[frozenset[str]] = contextvars.ContextVar(
    "unknown_parameters", default=frozenset()
)
_compared: contextvars.ContextVar[list[ComparedTemplates] | None] = contextvars.ContextVar(
    "compared", default=None
)
_includes_nested_stacks: contextvars.ContextVar[bool] = contextvars.ContextVar("includes_nested_stacks")


def describe_changes() -> None:
    """Compare the templates of a change set with references to resources that are not resolved.

    ministack resolves Fn::GetAtt to an empty text, so it does not see another reference, compares resources
    whose conditions are false, and has the create-only properties of 74 types.
    """
    changesets._resolve_props_for_diff = _definitions
    changesets._diff_resources = _changes
    cloudformation._ACTION_HANDLERS["CreateChangeSet"] = _with_nested_stacks(
        cloudformation._ACTION_HANDLERS["CreateChangeSet"]
    )


@contextlib.contextmanager
def compared_templates() -> Iterator[list[ComparedTemplates]]:
    """Record what is compared meanwhile."""
    found: list[ComparedTemplates] = []
    token = _compared.set(found)
    try:
        yield found
    finally:
        _compared.reset(token)


def unknown_parameters() -> frozenset[str]:
    return _unknown_parameters.get()


@contextlib.contextmanager
def with_unknown_parameters(names: frozenset[str]) -> Iterator[None]:
    """Compare as if these parameters of the new template changed to values that are not known yet."""
    token = _unknown_parameters.set(names)
    try:
        yield
    finally:
        _unknown_parameters.reset(token)


def type_facts(resource_type: str) -> TypeFacts:
    return _type_facts(resource_type, responses.get_region())


@functools.cache
def _type_facts(resource_type: str, region: str) -> TypeFacts:
    schema = resource_schema(resource_type, region)
    tagging = {} if schema is None else schema.get("tagging", {})
    (tags,) = names_of([tagging.get("tagProperty", "Tags")])
    return TypeFacts(UpdateBehavior.of(schema), tags)


def _with_nested_stacks(original: Any) -> Any:
    @functools.wraps(original)
    def create_change_set(parameters: Mapping[str, Any]) -> Any:
        includes = handlers._p(parameters, "IncludeNestedStacks").lower() == "true"
        token = _includes_nested_stacks.set(includes)
        try:
            return original(parameters)
        finally:
            _includes_nested_stacks.reset(token)

    return create_change_set


def _changes(
    old: Definitions,
    new: Definitions,
    resources: Mapping[str, Any] | None = None,
    _template: Template | None = None,
    changed_parameters: Collection[str] = (),
    retag: Collection[str] = (),
) -> list[Change]:
    """Replace `stacks._diff_resources`."""
    comparison = Comparison(
        old=old,
        new=new,
        facts=type_facts,
        changed_parameters=frozenset(changed_parameters) | _unknown_parameters.get(),
        physical_ids={name: item.get("PhysicalResourceId", "") for name, item in (resources or {}).items()},
        retagged=retaggable(new, stacks._UNTAGGED_TYPES) & frozenset(retag),
        nested_changes=_includes_nested_stacks.get(True),
    )
    if (compared := _compared.get()) is not None:
        compared.append(ComparedTemplates(comparison))
    return comparison.changes()


def _definitions(
    template: Template, parameters: Mapping[str, Any], stack_name: str, stack_id: str
) -> Definitions:
    """Replace `changesets._resolve_props_for_diff`: return the resources that the template creates."""
    if not template:
        return {}
    conditions = engine._evaluate_conditions(template, parameters)
    if parameters is not cloudformation._stacks[stack_name].get("_resolved_params"):  # of the new template
        unknown = _unknown_parameters.get() & parameters.keys()
        parameters = {**parameters, **{name: {**parameters[name], "Value": PLACEHOLDER} for name in unknown}}
    resources = template.get("Resources", {})
    active = {
        name: resource
        for name, resource in resources.items()
        if conditions.get(resource.get("Condition"), True)
    }
    tokens = {name: _Tokens(name) for name in active}

    def resolve(value: Any) -> Any:
        mappings = template.get("Mappings", {})
        try:
            return engine._resolve_refs(
                copy.deepcopy(value), tokens, parameters, conditions, mappings, stack_name, stack_id
            )
        except (
            Exception
        ):  # of a function whose argument is a token; the reference is compared as it is written
            return {
                "unresolved": value,
                "values": [parameters[name] for name in _parameters(value, parameters)],
            }

    return {
        name: _definition(resource, active, parameters, conditions, resolve)
        for name, resource in active.items()
    }


def _definition(
    resource: Mapping[str, Any],
    active: Mapping[str, Any],
    parameters: Mapping[str, Any],
    conditions: Mapping[str, bool],
    resolve: Any,
) -> Definition:
    resource_type = resource.get("Type", "")
    properties = {
        name: chosen
        for name, value in (resource.get("Properties") or {}).items()
        if (chosen := _chosen(value, conditions)) != {"Ref": "AWS::NoValue"}
    }
    schema = resource_schema(resource_type, responses.get_region())
    values = {name: resolve(value) for name, value in properties.items()}
    return Definition(
        resource_type,
        properties=values if schema is None else convert_scalars(schema, values),
        parameters={name: frozenset(_parameters(value, parameters)) for name, value in properties.items()},
        references={name: tuple(_references(value, active)) for name, value in properties.items()},
        attributes=_attributes(resource, resolve),
    )


def _attributes(resource: Mapping[str, Any], resolve: Any) -> dict[str, Any]:
    found = {name: resolve(resource[name]) for name in COMPARED_ATTRIBUTES if name in resource}
    found.setdefault("DeletionPolicy", stacks._default_resource_policy(resource, "DeletionPolicy"))
    return found


def _chosen(value: Any, conditions: Mapping[str, bool]) -> Any:
    """Return the value with the branch of each Fn::If that its condition chooses."""
    if isinstance(value, list):
        return [_chosen(item, conditions) for item in value]
    if not isinstance(value, dict):
        return value
    function, argument = intrinsic(value)
    if function == IF:
        return _chosen(chosen_branch(argument, conditions), conditions)
    return {key: _chosen(item, conditions) for key, item in value.items()}


def _parameters(value: Any, parameters: Mapping[str, Any]) -> Iterator[str]:
    for name, attribute in engine._intrinsic_references(value):
        if attribute is None and name in parameters:
            yield name


def _references(value: Any, active: Collection[str]) -> Iterator[Reference]:
    found = {(name, attribute or "") for name, attribute in engine._intrinsic_references(value)}
    for name, attribute in sorted(found):
        if name in active:
            yield Reference(name, attribute, _token(name, attribute))


def _token(name: str, attribute: str = "") -> str:
    return f"⟦{name}.{attribute}⟧"


class _Tokens(dict[str, Any]):
    """A resource as ministack has it, whose physical id and attributes are tokens."""

    def __init__(self, name: str) -> None:
        super().__init__(PhysicalResourceId=_token(name), Attributes=_AttributeTokens(name))


class _AttributeTokens(dict[str, str]):
    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def __contains__(self, _attribute: object) -> bool:
        return True

    def __getitem__(self, attribute: str) -> str:
        return _token(self._name, attribute)
