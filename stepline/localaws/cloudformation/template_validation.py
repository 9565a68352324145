"""Refuses templates that CloudFormation refuses before it creates a stack or a change set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from stepline.localaws.cloudformation.references import (
    GET_ATT,
    SUB,
    Reference,
    condition_names,
    intrinsic,
    references,
)
from stepline.localaws.cloudformation.template_forms import wrong_forms

Template = Mapping[str, Any]
Supports = Callable[[str, str], bool]
"""Whether a resource type has an attribute, as far as it is known."""

SECTIONS: Final = frozenset(
    {
        "AWSTemplateFormatVersion",
        "Conditions",
        "Description",
        "Hooks",
        "Mappings",
        "Metadata",
        "Outputs",
        "Parameters",
        "Resources",
        "Rules",
        "Transform",
    }
)
RESOURCE_ATTRIBUTES: Final = frozenset(
    {
        "Condition",
        "CreationPolicy",
        "DeletionPolicy",
        "DependsOn",
        "Description",  # not documented, but in templates that AWS publishes
        "Metadata",
        "Properties",
        "Type",
        "UpdatePolicy",
        "UpdateReplacePolicy",
        "Version",
    }
)
PARAMETER_ATTRIBUTES: Final = frozenset(
    {
        "AllowedPattern",
        "AllowedValues",
        "ConstraintDescription",
        "Default",
        "Description",
        "MaxLength",
        "MaxValue",
        "MinLength",
        "MinValue",
        "NoEcho",
        "Type",
    }
)
FUNCTIONS: Final = (
    "Fn::Base64",
    "Fn::GetAtt",
    "Fn::GetAZs",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Split",
    "Fn::FindInMap",
    "Fn::Select",
    "Ref",
    "Fn::Equals",
    "Fn::If",
    "Fn::Not",
    "Condition",
    "Fn::And",
    "Fn::Or",
    "Fn::Contains",
    "Fn::EachMemberEquals",
    "Fn::EachMemberIn",
    "Fn::ValueOf",
    "Fn::ValueOfAll",
    "Fn::RefAll",
    "Fn::Sub",
    "Fn::Cidr",
)
"""In the order of CloudFormation's message about another one [user reports]."""

_OTHER_FUNCTIONS = frozenset({"Fn::GetStackOutput", "Fn::Length", "Fn::ToJsonString", "Fn::Transform"})
_BASIC_TYPES = frozenset({"CommaDelimitedList", "List<Number>", "List<String>", "Number", "String"})


class TemplateError(ValueError):
    """CloudFormation refuses the template; the text is its message."""


def check_template(
    template: Template, supports: Supports, conditions: Mapping[str, bool] | None = None
) -> None:
    """Raise TemplateError with CloudFormation's message for the first mistake.

    `conditions` are the values of the template's conditions; without them the parameters are unknown.
    A template with a transform is not checked: what the transform makes of it is.
    """
    if "Transform" in template:
        return
    for message in wrong_forms(template):
        raise TemplateError(message)
    resources = _mapping(template.get("Resources"))
    _check_format(template, resources)
    _check_parameters(_mapping(template.get("Parameters")))
    _check_functions(template, resources)
    _check_conditions(template, resources)
    _check_references(template, resources, supports)
    if conditions is not None:
        _check_references_to_absent_resources(template, resources, conditions)
    _check_cycles(resources, conditions or {})


def _check_format(template: Template, resources: Template) -> None:
    if unknown := [name for name in template if name not in SECTIONS]:
        raise TemplateError(f"Invalid template property or properties [{', '.join(unknown)}]")
    if not resources:
        raise TemplateError("Template format error: At least one Resources member must be defined.")
    for section in ("Resources", "Outputs"):
        for path in _nulls(template.get(section, {}), f"/{section}"):
            raise TemplateError(f"[{path}] 'null' values are not allowed in templates")
    for name, resource in resources.items():
        if not isinstance(resource, Mapping):
            raise TemplateError("Template format error: Any Resources member must be an object.")
        if not str(name).isalnum():
            raise TemplateError(f"Template format error: Resource name {name} is non alphanumeric.")
        if not isinstance(resource.get("Type"), str):
            raise TemplateError(
                f"Template format error: [/Resources/{name}] "
                "Every Resources object must contain a Type member."
            )
        if unknown := [key for key in resource if key not in RESOURCE_ATTRIBUTES]:
            raise TemplateError(f"Invalid template resource property '{unknown[0]}'")
    for name, output in _mapping(template.get("Outputs")).items():
        if "Value" not in _mapping(output):
            raise TemplateError(
                f"Template format error: [/Outputs/{name}] Every Outputs member must contain a Value object"
            )


def _nulls(node: Any, path: str) -> Iterator[str]:
    """Yield the paths of null values outside of functions.

    CloudFormation calls the properties of a resource `Type` in this message [user reports].
    """
    if node is None:
        yield path
    elif isinstance(node, Mapping) and not intrinsic(node)[0]:
        for key, value in node.items():
            is_properties = key == "Properties" and path.count("/") == 2 and path.startswith("/Resources/")
            yield from _nulls(value, f"{path}/{'Type' if is_properties else key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _nulls(value, f"{path}/{index}")


def _check_parameters(parameters: Template) -> None:
    for name, parameter in parameters.items():
        declared = _mapping(parameter)
        if unknown := [key for key in declared if key not in PARAMETER_ATTRIBUTES]:
            raise TemplateError(f"Invalid template parameter property '{unknown[0]}'")
        parameter_type = declared.get("Type")
        if parameter_type is None:
            raise TemplateError(
                f"Template format error: [/Parameters/{name}] "
                "Every Parameters object must contain a Type member."
            )
        if parameter_type not in _BASIC_TYPES and "AWS::" not in str(parameter_type):
            raise TemplateError(f"Template format error: Unrecognized parameter type: {parameter_type}")


def _check_functions(template: Template, resources: Template) -> None:
    for resource in resources.values():
        for name in _functions(resource.get("Properties")):
            _check_function(name)
    for name in _functions(template.get("Outputs")):
        _check_function(name)


def _check_function(name: str) -> None:
    if name not in FUNCTIONS and name not in _OTHER_FUNCTIONS and not name.startswith("Fn::ForEach::"):
        known = ", ".join(FUNCTIONS)
        raise TemplateError(
            f"Template Error: Encountered unsupported function: {name} Supported functions are: [{known}]"
        )


def _functions(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if len(node) == 1 and str(next(iter(node))).lower().startswith("fn::"):
            yield next(iter(node))
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _functions(item)


def _check_conditions(template: Template, resources: Template) -> None:
    conditions = _mapping(template.get("Conditions"))
    parameters = _mapping(template.get("Parameters"))
    outside = [
        reference.name
        for reference in references(list(conditions.values()))
        if reference.name not in parameters and not _is_pseudo_parameter(reference.name)
    ]
    if outside:
        raise TemplateError(
            f"Template format error: Unresolved dependencies [{', '.join(dict.fromkeys(outside))}]. "
            "Cannot reference resources in the Conditions block of the template"
        )
    for name in _named_conditions(list(conditions.values())):
        _check_condition(name, conditions, "Conditions")
    for section, members in (("Resources", resources), ("Outputs", _mapping(template.get("Outputs")))):
        for member in members.values():
            if isinstance(condition := member.get("Condition"), str):
                _check_condition(condition, conditions, section)
        for name in condition_names([_parts(member) for member in members.values()]):
            if name not in conditions:
                raise TemplateError(f"Template error: unresolved condition dependency {name} in Fn::If")


def _check_condition(name: str, conditions: Template, section: str) -> None:
    if name not in conditions:
        raise TemplateError(
            f"Template format error: Unresolved condition dependency {name} "
            f"in the {section} block of the template"
        )


def _named_conditions(node: Any) -> Iterator[str]:
    """Yield the conditions that others are made of."""
    if isinstance(node, Mapping):
        if len(node) == 1 and isinstance(node.get("Condition"), str):
            yield node["Condition"]
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _named_conditions(item)


def _check_references(template: Template, resources: Template, supports: Supports) -> None:
    known = {*resources, *_mapping(template.get("Parameters"))}
    for section, parts in _sections(template, resources):
        found = list(references(parts))
        for reference in found:
            _check_reference(reference, resources, known, supports)
        names = [found.name for found in found] + _dependencies_on(resources, section)
        _check_resolved(section, [name for name in names if name not in known])


def _check_reference(reference: Reference, resources: Template, known: set[str], supports: Supports) -> None:
    name, attribute = reference.name, reference.attribute
    if _is_pseudo_parameter(name):
        return
    if reference.function == GET_ATT and name not in resources:
        raise TemplateError(f"Template error: instance of Fn::GetAtt references undefined resource {name}")
    if reference.function == SUB and attribute and name not in resources:
        raise TemplateError(
            f"Template error: instance of Fn::Sub references invalid resource attribute {name}.{attribute}"
        )
    if reference.function == GET_ATT and not attribute:
        raise TemplateError(
            "Template error: every Fn::GetAtt object requires two non-empty parameters, "
            "the resource name and the resource attribute"
        )
    if attribute and not supports(resources[name]["Type"], attribute):
        raise TemplateError(
            f"Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt"
        )


def _check_references_to_absent_resources(
    template: Template, resources: Template, conditions: Mapping[str, bool]
) -> None:
    """Refuse what refers to a resource whose condition is false."""
    present = {name: resource for name, resource in resources.items() if _is_present(resource, conditions)}
    outputs = _mapping(template.get("Outputs")).values()
    parts = {
        "Resources": [resource.get("Properties") for resource in present.values()],
        "Outputs": [_parts(output) for output in outputs if _is_present(output, conditions)],
    }
    for section, nodes in parts.items():
        names = [reference.name for reference in references(nodes, conditions)]
        _check_resolved(section, [name for name in names if name in resources and name not in present])


def _is_present(member: Template, conditions: Mapping[str, bool]) -> bool:
    return conditions.get(member.get("Condition", ""), True)


def _check_resolved(section: str, unresolved: list[str]) -> None:
    names = [name for name in dict.fromkeys(unresolved) if not _is_pseudo_parameter(name)]
    if names:
        raise TemplateError(
            f"Template format error: Unresolved resource dependencies [{', '.join(names)}] "
            f"in the {section} block of the template"
        )


def _sections(template: Template, resources: Template) -> Iterator[tuple[str, list[Any]]]:
    yield "Resources", [_parts(resource) for resource in resources.values()]
    yield "Outputs", [_parts(output) for output in _mapping(template.get("Outputs")).values()]


def _parts(member: Any) -> list[Any]:
    """Return the parts of a resource or an output in which functions are resolved."""
    member = _mapping(member)
    return [member.get(key) for key in ("Properties", "UpdatePolicy", "Value", "Export")]


def _dependencies_on(resources: Template, section: str) -> list[str]:
    if section != "Resources":
        return []
    return [name for resource in resources.values() for name in _depends_on(resource)]


def _depends_on(resource: Template) -> list[str]:
    names = resource.get("DependsOn") or []
    return [names] if isinstance(names, str) else [name for name in names if isinstance(name, str)]


def _check_cycles(resources: Template, conditions: Mapping[str, bool]) -> None:
    """Refuse resources that wait for each other; the message names also those that wait for them."""
    waits_for = {
        name: {
            needed
            for needed in (
                *(reference.name for reference in references(resource.get("Properties"), conditions)),
                *_depends_on(resource),
            )
            if needed in resources
        }
        for name, resource in resources.items()
    }
    while ready := [name for name, needed in waits_for.items() if not needed & waits_for.keys()]:
        for name in ready:
            del waits_for[name]
    if waits_for:
        raise TemplateError(f"Circular dependency between resources: [{', '.join(waits_for)}]")


def _is_pseudo_parameter(name: str) -> bool:
    return name.startswith("AWS::")


def _mapping(value: Any) -> Template:
    return value if isinstance(value, Mapping) else {}
