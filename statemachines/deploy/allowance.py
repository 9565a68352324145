"""Parses `allowReplacement` of the input: the resources that a change may remove or replace."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from stepline.core.errors import InvalidInputError
from stepline.core.fields import Fields
from stepline.core.text import quoted

_NAME: Final = "allowReplacement"
_LOGICAL_PATH: Final = re.compile(r"[A-Za-z0-9]{1,255}(?:/[A-Za-z0-9]{1,255})*")
"""A logical id, after those of the nested stacks: "must be alphanumeric" (Template reference)."""

_TYPE: Final = re.compile(
    r"[A-Za-z0-9]{2,64}::[A-Za-z0-9]{2,64}::[A-Za-z0-9]{2,64}(?:::MODULE)?|Custom::[\w@-]{1,60}"
)
"""`typeName` of a resource type's schema, or a custom resource's type (Template reference)."""


@dataclass(frozen=True)
class Allowance:
    """`names` are logical ids, after those of the nested stacks (`Nested/Table`), and resource types."""

    everything: bool = False
    names: tuple[str, ...] = ()

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse the member. Raise `InvalidInputError`, naming the member of the list that is wrong."""
        value = fields.value(_NAME) if _NAME in fields else False
        if isinstance(value, bool):
            return cls(everything=value)
        if not isinstance(value, list):
            raise fields.wrong(
                _NAME, "must be true, false or a list of logical ids and resource types", value
            )
        return cls(names=tuple(dict.fromkeys(_name(item) for item in value)))

    def allows(self, path: str, resource_type: str) -> bool:
        return self.everything or path in self.names or resource_type in self.names

    def unused(self, resources: Iterable[tuple[str, str]]) -> tuple[str, ...]:
        """Return the names that are none of these paths and types."""
        known = {name for resource in resources for name in resource}
        return tuple(name for name in self.names if name not in known)


def _name(item: object) -> str:
    if isinstance(item, str) and (_LOGICAL_PATH.fullmatch(item) or _TYPE.fullmatch(item)):
        return item
    raise InvalidInputError(
        f'"{_NAME}" in the input contains {quoted(item)}, which is neither a logical id ("Queue", or in a '
        'nested stack "Nested/Queue") nor a resource type ("AWS::SQS::Queue").'
    )
