"""Patches how ministack reads templates: addresses, speed, short forms, and errors of the SAM transform."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

import yaml
from ministack.services.cloudformation import changesets, engine, handlers, helpers

from stepline.localaws.cloudformation.template_parameters import python_pattern

_VIRTUAL_HOSTED = re.compile(r"https://(?P<bucket>.+)\.s3([.-][a-z0-9-]+)?\.amazonaws\.com/(?P<key>.+)")

_APPLICATION, _APPLICATION_ID = "AWS::Serverless::Application", "ApplicationId"

_SHORT_FUNCTIONS = (
    "Contains",
    "EachMemberEquals",
    "EachMemberIn",
    "RefAll",
    "ToJsonString",
    "Transform",
    "ValueOf",
    "ValueOfAll",
)


def parse_templates_with_libyaml() -> None:
    """Parse with the same constructors on libyaml, if PyYAML was built with it.

    ministack parses in Python each time that it reads a stack: a fifth of the time of a deployment.
    """
    if yaml.__with_libyaml__ and not issubclass(engine.CfnLoader, yaml.CSafeLoader):
        engine.CfnLoader = _on_libyaml(engine.CfnLoader)


def parse_all_short_functions() -> None:
    """Parse also `!Transform`, and the short forms of the functions of rules, which ministack lacks."""
    for name in _SHORT_FUNCTIONS:
        engine.CfnLoader.add_constructor(f"!{name}", engine._construct_cfn_tag(f"Fn::{name}"))


def _on_libyaml(loader: Any) -> Any:
    constructors = {
        "yaml_constructors": dict(loader.yaml_constructors),
        "yaml_multi_constructors": dict(loader.yaml_multi_constructors),
    }
    return type(loader.__name__, (yaml.CSafeLoader,), constructors)


def explain_sam_errors() -> None:
    """Report what the SAM transform refuses in the words of CloudFormation, instead of as Python's objects.

    An application of the Serverless Application Repository is refused by its name: the transform would read
    it from AWS.

    Call this before macros are run, which call the original function.
    """
    original, failed = engine._apply_transforms, f"Transform {engine._SAM_TRANSFORM} failed with: "

    def apply(template: dict[str, Any], *parameters: Any) -> Any:
        try:
            if reason := _repository_application(template):
                return engine._TransformFailed(template, failed + reason)
            return original(template, *parameters)
        except Exception as error:
            if (causes := getattr(error, "causes", None)) is None:
                raise
            messages = [getattr(error, "message", ""), *sorted(cause.message for cause in causes)]
            return engine._TransformFailed(template, failed + " ".join(messages))

    for module in (changesets, engine, handlers):
        module._apply_transforms = apply


def _repository_application(template: Mapping[str, Any]) -> str:
    """Return why an application of the repository cannot be deployed; empty if the template has none."""
    resources = template.get("Resources")
    for logical_id, resource in resources.items() if isinstance(resources, Mapping) else ():
        if not isinstance(resource, Mapping) or resource.get("Type") != _APPLICATION:
            continue
        location = (resource.get("Properties") or {}).get("Location")
        if isinstance(location, Mapping) and (application := location.get(_APPLICATION_ID)):
            shown = f", {application}," if isinstance(application, str) else ","
            return (
                f"Resource with id [{logical_id}] is an application of the Serverless Application"
                f" Repository{shown} which the local AWS does not have. Download its template from AWS"
                " (aws serverlessrepo create-cloud-formation-template) and set Location to that file."
            )
    return ""


def read_virtual_hosted_addresses() -> None:
    """Read `https://BUCKET.s3.REGION.amazonaws.com/KEY`, of which ministack reads only the path."""
    original = helpers._resolve_document

    def resolve(parameters: Mapping[str, Any], body_key: str, url_key: str, label: str) -> Any:
        if found := _VIRTUAL_HOSTED.fullmatch(helpers._p(parameters, url_key)):
            address = f"https://s3.amazonaws.com/{found['bucket']}/{found['key']}"
            parameters = {**parameters, url_key: [address]}
        return original(parameters, body_key, url_key, label)

    helpers._resolve_document = resolve


def accept_patterns_of_java() -> None:
    """Read AllowedPattern as Java does; what Python cannot read is not checked."""
    original = engine._check_parameter_constraints

    @functools.wraps(original)
    def check(name: str, declared: dict[str, Any], *args: Any) -> None:
        if "AllowedPattern" in declared:
            pattern = python_pattern(str(declared["AllowedPattern"]))
            declared = {key: value for key, value in declared.items() if key != "AllowedPattern"}
            declared |= {} if pattern is None else {"AllowedPattern": pattern}
        original(name, declared, *args)

    engine._check_parameter_constraints = check
