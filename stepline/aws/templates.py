"""Parses CloudFormation templates: YAML with short tags (`!Ref`), or JSON."""

from __future__ import annotations

from typing import Any

import yaml

try:
    from yaml import CSafeLoader as SafeLoader  # libyaml: ten times as fast
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]

from stepline.core.errors import UsageError
from stepline.core.text import one_line

_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_TAGS_WITHOUT_FN = frozenset({"Ref", "Condition"})


def parse_template(text: str, name: str) -> dict[str, Any]:
    """Return the template with its short tags in their long form. Error messages call it `name`.

    Raises UsageError if the text is not YAML or has no Resources.
    """
    try:
        template = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError) as error:
        raise UsageError(f"{name} is not YAML: {one_line(str(error))}") from error
    if not isinstance(template, dict) or not isinstance(template.get("Resources"), dict):
        raise UsageError(f"{name} is not a CloudFormation template: it has no Resources")
    return template


class _Loader(SafeLoader):
    """Reads `!Sub text` as `{"Fn::Sub": text}`, and dates as text.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - as in yaml's own classes
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_short_tag(self, suffix: str, node: yaml.Node) -> dict[str, Any]:
        match node:
            case yaml.MappingNode():
                value: Any = self.construct_mapping(node, deep=True)
            case yaml.SequenceNode():
                value = self.construct_sequence(node, deep=True)
            case _:
                value = self.construct_scalar(node)  # type: ignore[arg-type]
        if suffix == "GetAtt" and isinstance(value, str):
            value = value.split(".", 1)
        return {suffix if suffix in _TAGS_WITHOUT_FN else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _Loader.construct_short_tag)
