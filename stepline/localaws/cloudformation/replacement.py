"""Says which changes of properties replace a resource, by the schema of its type."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from stepline.localaws.cloudformation.type_schemas import CUSTOM_RESOURCE, Schema

Properties = Mapping[str, Any]
Path = tuple[str, ...]
"""Of a property from the top, with `*` for each element of a list: `("Policies", "*", "PolicyArn")`."""

_PREFIX = "/properties/"


class Recreation(StrEnum):
    """`RequiresRecreation` of ResourceTargetDefinition."""

    NEVER = "Never"
    CONDITIONALLY = "Conditionally"
    ALWAYS = "Always"


@dataclass(frozen=True)
class UpdateBehavior:
    """What updates of one resource type do. Paths of a property include those inside of it."""

    create_only: tuple[Path, ...]
    conditional: tuple[Path, ...]
    other: Recreation = Recreation.NEVER

    @classmethod
    def of(cls, schema: Schema | None) -> UpdateBehavior:
        """Without a schema no change replaces the resource. A custom resource decides itself."""
        members = {} if schema is None else schema
        is_custom = members.get("typeName") == CUSTOM_RESOURCE
        return cls(
            create_only=tuple(_paths(members.get("createOnlyProperties", ()))),
            conditional=tuple(_paths(members.get("conditionalCreateOnlyProperties", ()))),
            other=Recreation.CONDITIONALLY if is_custom else Recreation.NEVER,
        )

    def recreation(self, name: str, touches: Callable[[Path], bool]) -> Recreation:
        """Return what a change of the property `name` requires; `touches` says whether it is at a path."""
        if any(path[0] == name and touches(path) for path in self.create_only):
            return Recreation.ALWAYS
        if any(path[0] == name and touches(path) for path in self.conditional):
            return Recreation.CONDITIONALLY
        return self.other

    def replaces(self, old: Properties, new: Properties) -> bool:
        """Return whether a create-only property differs."""
        return any(values_at(old, path) != values_at(new, path) for path in self.create_only)


def _paths(pointers: Iterable[str]) -> Iterator[Path]:
    for pointer in pointers:
        # Some schemas name the properties of an object below it: /properties/A/properties/B.
        yield tuple(pointer.removeprefix(_PREFIX).replace("/properties/", "/").split("/"))


def values_at(value: Any, path: Path) -> list[Any]:
    """Return the values at a path, in order; a value that is no object or list stands for all below it."""
    if not path:
        return [value]
    key, rest = path[0], path[1:]
    if isinstance(value, Mapping):
        if key == "*":
            return [found for item in value.values() for found in values_at(item, rest)]
        return values_at(value[key], rest) if key in value else []
    if isinstance(value, list):
        # Some schemas leave out the `*` of a list.
        return [found for item in value for found in values_at(item, rest if key == "*" else path)]
    return [value]
