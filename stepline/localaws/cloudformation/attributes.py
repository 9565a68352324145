"""Finds the attributes of other resources that a part of a template refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_IN_SUB = re.compile(r"\$\{([A-Za-z0-9]+)\.([A-Za-z0-9.]+)\}")


def referenced_attributes(value: Any) -> Iterator[tuple[str, str]]:
    """Yield logical id and attribute of each Fn::GetAtt, and of each `${Resource.Attribute}` in Fn::Sub."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "Fn::GetAtt":
                yield _get_att(item)
            elif key == "Fn::Sub":
                yield from _IN_SUB.findall(item if isinstance(item, str) else item[0])
            yield from referenced_attributes(item)
    elif isinstance(value, list):
        for item in value:
            yield from referenced_attributes(item)


def _get_att(value: Any) -> tuple[str, str]:
    logical_id, _, attribute = (value if isinstance(value, str) else ".".join(map(str, value))).partition(".")
    return logical_id, attribute
