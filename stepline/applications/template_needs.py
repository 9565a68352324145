"""Finds what a template needs to be deployed: capabilities, values of parameters, uploads of local files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stepline.deployment.template import is_local, read_template

IAM: Final = "CAPABILITY_IAM"
NAMED_IAM: Final = "CAPABILITY_NAMED_IAM"
AUTO_EXPAND: Final = "CAPABILITY_AUTO_EXPAND"
SAM_TRANSFORM: Final = "AWS::Serverless-2016-10-31"

_IAM_TYPES: Final = frozenset(
    f"AWS::IAM::{name}"
    for name in (
        "AccessKey",
        "Group",
        "GroupPolicy",
        "InstanceProfile",
        "ManagedPolicy",
        "Policy",
        "Role",
        "RolePolicy",
        "User",
        "UserPolicy",
        "UserToGroupAddition",
    )
)
"""[CreateStack: Capabilities; the types of inline policies are newer]"""

_IAM_NAMES: Final = ("GroupName", "InstanceProfileName", "ManagedPolicyName", "RoleName", "UserName")
_NAMED_TYPES: Final = frozenset(
    f"AWS::IAM::{name}" for name in ("Group", "InstanceProfile", "ManagedPolicy", "Role", "User")
)

_WITH_ROLE: Final = frozenset({"AWS::Serverless::Function", "AWS::Serverless::StateMachine"})
"""SAM creates a role for these, unless they have the property Role."""

_NESTED: Final = {"AWS::CloudFormation::Stack": "TemplateURL", "AWS::Serverless::Application": "Location"}

_LOCAL_FILES: Final = {
    "AWS::ApiGateway::RestApi": ("BodyS3Location",),
    "AWS::AppSync::GraphQLSchema": ("DefinitionS3Location",),
    "AWS::CloudFormation::Stack": ("TemplateURL",),
    "AWS::ElasticBeanstalk::ApplicationVersion": ("SourceBundle",),
    "AWS::Lambda::Function": ("Code",),
    "AWS::Lambda::LayerVersion": ("Content",),
    "AWS::Serverless::Api": ("DefinitionUri",),
    "AWS::Serverless::Application": ("Location",),
    "AWS::Serverless::Function": ("CodeUri",),
    "AWS::Serverless::HttpApi": ("DefinitionUri",),
    "AWS::Serverless::LayerVersion": ("ContentUri",),
    "AWS::Serverless::StateMachine": ("DefinitionUri",),
    "AWS::StepFunctions::StateMachine": ("DefinitionS3Location",),
}
"""Properties that may name local files, which `aws cloudformation package` uploads [AWS CLI reference]."""

_ENVIRONMENT_PARAMETERS: Final = ("EnvironmentName", "environmentName")
"""The Deploy state machine sets these to the `environmentName` of its input."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a template that has no default."""

    name: str
    type: str
    description: str
    allowed_values: tuple[str, ...]
    is_secret: bool

    def __str__(self) -> str:
        described = f": {self.description}" if self.description else ""
        allowed = f" (one of {', '.join(self.allowed_values)})" if self.allowed_values else ""
        return f"{self.name} ({self.type}){described}{allowed}"


def needs_transform(template: Mapping[str, Any]) -> bool:
    """Whether the template is one of SAM."""
    return SAM_TRANSFORM in _transforms(template)


def capabilities(template: Mapping[str, Any], folder: Path) -> list[str]:
    """Return the capabilities that must be acknowledged for the template, which is in `folder`.

    Templates of nested stacks count if they are local files. Raises UsageError if one is invalid.
    """
    found = set(_capabilities(template, folder))
    return [name for name in (IAM, NAMED_IAM, AUTO_EXPAND) if name in found]


def parameters_without_default(template: Mapping[str, Any]) -> list[Parameter]:
    """Return the parameters to which the deployment must give a value."""
    return [
        Parameter(
            name=name,
            type=str(declared.get("Type", "String")),
            description=str(declared.get("Description", "")),
            allowed_values=tuple(map(str, declared.get("AllowedValues", ()))),
            is_secret=str(declared.get("NoEcho", "")).lower() == "true",
        )
        for name, declared in _objects(template.get("Parameters"))
        if "Default" not in declared and name not in _ENVIRONMENT_PARAMETERS
    ]


def names_local_files(template: Mapping[str, Any]) -> bool:
    """Whether the template names files or folders that must be uploaded before it can be deployed."""
    return is_local(_globals(template).get("CodeUri")) or any(
        is_local(_properties(resource).get(name))
        for _, resource in _objects(template.get("Resources"))
        for name in _LOCAL_FILES.get(str(resource.get("Type")), ())
    )


def functions_with_images(template: Mapping[str, Any]) -> list[str]:
    """Return the logical ids of the functions of SAM that are container images to be built."""
    default = _globals(template).get("PackageType")
    return [
        logical_id
        for logical_id, resource in _objects(template.get("Resources"))
        if resource.get("Type") == "AWS::Serverless::Function"
        and _properties(resource).get("PackageType", default) == "Image"
        and is_local(_properties(resource).get("ImageUri", ""))
    ]


def function_runtimes(template: Mapping[str, Any]) -> list[str]:
    """Return the runtime of each resource that has one; by default that of `Globals`."""
    default = _globals(template).get("Runtime")
    found = [
        _properties(resource).get("Runtime", default) for _, resource in _objects(template.get("Resources"))
    ]
    return [runtime for runtime in found if isinstance(runtime, str)]


def _capabilities(template: Mapping[str, Any], folder: Path) -> Iterator[str]:
    if _transforms(template) or _has_inline_transform(template):
        yield AUTO_EXPAND
    for _, resource in _objects(template.get("Resources")):
        yield from _capabilities_of(resource, _globals(template).get("Role"), folder)


def _capabilities_of(resource: Mapping[str, Any], default_role: object, folder: Path) -> Iterator[str]:
    resource_type, properties = str(resource.get("Type")), _properties(resource)
    if resource_type in _IAM_TYPES:
        yield IAM
    if resource_type in _WITH_ROLE and not properties.get("Role", default_role):
        yield IAM
    if resource_type in _NAMED_TYPES and any(name in properties for name in _IAM_NAMES):
        yield NAMED_IAM
    if name := _NESTED.get(resource_type):
        yield from _nested_capabilities(properties.get(name), folder)


def _nested_capabilities(location: object, folder: Path) -> Iterator[str]:
    if not isinstance(location, str) or not is_local(location):
        yield IAM  # unknown: a template in S3, or an application of the Serverless Application Repository
    elif (file := folder / location).is_file():
        yield from _capabilities(read_template(file), file.parent)


def _globals(template: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what SAM's template sets for all functions."""
    section = template.get("Globals")
    functions = section.get("Function") if isinstance(section, Mapping) else None
    return functions if isinstance(functions, Mapping) else {}


def _transforms(template: Mapping[str, Any]) -> list[str]:
    transform = template.get("Transform", [])
    names = transform if isinstance(transform, list) else [transform] if transform else []
    return [str(name.get("Name")) if isinstance(name, Mapping) else str(name) for name in names]


def _has_inline_transform(value: object) -> bool:
    if isinstance(value, Mapping):
        return "Fn::Transform" in value or any(map(_has_inline_transform, value.values()))
    return isinstance(value, list) and any(map(_has_inline_transform, value))


def _objects(section: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    members = section.items() if isinstance(section, Mapping) else ()
    return ((str(name), each) for name, each in members if isinstance(each, Mapping))


def _properties(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = resource.get("Properties")
    return properties if isinstance(properties, Mapping) else {}
