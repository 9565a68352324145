"""Generates statemachines/deploy/identifiers.py from the schemas of the resource types.

`python -m tests.statemachines.deploy.generate_identifiers` writes it again, after an update of cfn-lint.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from statemachines.deploy import identifiers
from stepline.localaws.cloudformation.type_schemas import names_of, resource_schema, resource_types

_REGION = "us-east-1"
_FILE = Path(identifiers.__file__)


def table() -> dict[str, str]:
    """Return attribute -> resource types without `AWS::`, as `identifiers.IDENTIFIERS` contains it."""
    found: dict[str, list[str]] = {}
    for resource_type in sorted(resource_types(_REGION)):
        for attribute in _identifiers(resource_type):
            found.setdefault(attribute, []).append(resource_type.removeprefix("AWS::"))
    return {attribute: " ".join(found[attribute]) for attribute in sorted(found)}


def _identifiers(resource_type: str) -> Iterator[str]:
    """Yield the attributes that the schema says identify the resource, or that only a replacement changes."""
    schema = resource_schema(resource_type, _REGION) or {}
    constant = {
        *names_of(schema.get("primaryIdentifier", ())),
        *names_of(schema.get("createOnlyProperties", ())),
    }
    for attribute in names_of(schema.get("readOnlyProperties", ())):
        if attribute in constant and not identifiers.is_named_as_identifier(resource_type, attribute):
            yield attribute


def _main() -> None:
    head, marker, _ = _FILE.read_text().partition("IDENTIFIERS: Final = {\n")
    lines = [f'    "{attribute}": "{types}",\n' for attribute, types in table().items()]
    _FILE.write_text(head + marker + "".join(lines) + "}\n")


if __name__ == "__main__":
    _main()
