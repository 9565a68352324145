"""Patches the checks of a template: ministack accepts unresolved references and needs no capabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ministack.core import responses
from ministack.services.cloudformation import changesets, engine, handlers, stacks

from stepline.localaws.cloudformation.conditions import evaluate_conditions
from stepline.localaws.cloudformation.template_parameters import check_values, constraint_message, with_text
from stepline.localaws.cloudformation.template_validation import Template, check_template
from stepline.localaws.cloudformation.type_schemas import supports_attribute

_MODULES = (changesets, engine, handlers)


def check_templates() -> None:
    """Check a template and the values of its parameters before ministack evaluates its conditions."""
    resolve_parameters = engine._resolve_parameters

    def checked_parameters(
        template: Template, given: Sequence[Mapping[str, Any]], previous: Mapping[str, Any] | None = None
    ) -> Any:
        check_template(template, _supports)
        template = with_text(template)
        check_values(template.get("Parameters") or {}, given, previous or {})
        return resolve_parameters(template, given, previous)

    validate = engine.validate_template_support

    def checked_support(
        template: Template, conditions: Mapping[str, bool], params: Mapping[str, Any] | None = None
    ) -> None:
        validate(template, conditions, params=params)
        check_template(template, _supports, None if params is None else conditions)

    for module in _MODULES:
        module._resolve_parameters = checked_parameters
        module.validate_template_support = checked_support
    engine._constraint_error = lambda name, declared, reason: ValueError(
        constraint_message(name, declared, reason)
    )


def evaluate_all_functions_of_conditions() -> None:
    """Evaluate conditions with Fn::Join and the like, which ministack compares unresolved."""

    def evaluate(template: Template, params: Mapping[str, Any]) -> dict[str, bool]:
        mappings = template.get("Mappings") or {}
        return evaluate_conditions(
            template.get("Conditions") or {},
            lambda node: engine._resolve_refs(node, {}, params, {}, mappings, "", ""),
        )

    for module in (changesets, engine, handlers, stacks):
        module._evaluate_conditions = evaluate


def require_capabilities() -> None:
    """Require the capabilities of a template; ministack does so only if it enforces permissions itself.

    GetTemplateSummary and ValidateTemplate return those that the operations require.
    """
    handlers._capabilities_enforced = lambda: True
    required = handlers._required_capabilities
    handlers._required_capabilities = lambda template, **_: required(_with_valid_types(template), strict=True)


def _with_valid_types(template: Template) -> Template:
    """Return the template without the resources whose type is no text, which `check_template` reports."""
    resources = template.get("Resources")
    if not isinstance(resources, Mapping):
        return {**template, "Resources": {}}
    valid = {
        name: resource
        for name, resource in resources.items()
        if isinstance(resource, Mapping) and isinstance(resource.get("Type"), str)
    }
    return {**template, "Resources": valid}


def _supports(resource_type: str, attribute: str) -> bool:
    return supports_attribute(resource_type, attribute, responses.get_region())
