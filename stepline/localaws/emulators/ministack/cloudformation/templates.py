"""Patches ministack's parser of templates, which is slow, and does not know all short forms of functions."""

from __future__ import annotations

from typing import Any

import yaml
from ministack.services.cloudformation import engine

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
