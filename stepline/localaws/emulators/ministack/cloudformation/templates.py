"""Patches how ministack reads templates: its parser is slow, and errors of the SAM transform are no text."""

from __future__ import annotations

from typing import Any

import yaml
from ministack.services.cloudformation import changesets, engine, handlers


def parse_templates_with_libyaml() -> None:
    """Parse with the same constructors on libyaml, if PyYAML was built with it.

    ministack parses in Python each time that it reads a stack: a fifth of the time of a deployment.
    """
    if yaml.__with_libyaml__ and not issubclass(engine.CfnLoader, yaml.CSafeLoader):
        engine.CfnLoader = _on_libyaml(engine.CfnLoader)


def _on_libyaml(loader: Any) -> Any:
    constructors = {
        "yaml_constructors": dict(loader.yaml_constructors),
        "yaml_multi_constructors": dict(loader.yaml_multi_constructors),
    }
    return type(loader.__name__, (yaml.CSafeLoader,), constructors)


def explain_sam_errors() -> None:
    """Report what the SAM transform refuses in the words of CloudFormation, instead of as Python's objects.

    Call this before macros are run, which call the original function.
    """
    original = engine._apply_transforms

    def apply(template: dict[str, Any], *parameters: Any) -> Any:
        try:
            return original(template, *parameters)
        except Exception as error:
            if (causes := getattr(error, "causes", None)) is None:
                raise
            messages = [getattr(error, "message", ""), *sorted(cause.message for cause in causes)]
            failure = f"Transform {engine._SAM_TRANSFORM} failed with: {' '.join(messages)}"
            return engine._TransformFailed(template, failure)

    for module in (changesets, engine, handlers):
        module._apply_transforms = apply
