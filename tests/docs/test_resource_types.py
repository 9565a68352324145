"""docs/local-aws.md lists the resource types that services of the local AWS implement."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from stepline.localaws.cloudformation.type_schemas import resource_types
from tests.docs.pages import PROJECT, read

TYPES = resource_types("us-east-1")
OWN_TYPES = PROJECT / "stepline/localaws/emulators/ministack/cloudformation"
_TYPE = re.compile(r"\bAWS::\w+::\w+\b")


def listed() -> list[str]:
    """Return the types of the list: `**SQS** Queue, QueuePolicy; **SSM** Parameter.`"""
    pattern = r"<!-- served types: .*? -->\n(.*?)\.\n+<!-- end of served types -->"
    found = re.search(pattern, read("docs/local-aws.md"), re.DOTALL)
    assert found is not None
    services = re.findall(r"\*\*(\w+)\*\*\s+([^;]+)", found.group(1))
    return [
        f"AWS::{service}::{name}" for service, names in services for name in re.split(r",\s+", names.strip())
    ]


def ministack_types() -> set[str]:
    """Return the keys of the table of handlers, without importing ministack."""
    spec = find_spec("ministack")
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).with_name("services").joinpath("cloudformation/provisioners.py").read_text()
    table = source.partition("\n_RESOURCE_HANDLERS = {\n")[2].partition("\n}\n")[0]
    return set(re.findall(r'^    "(AWS::\w+::\w+)": ', table, re.MULTILINE))


def test_served_types_are_listed() -> None:
    own = {name for file in OWN_TYPES.rglob("*.py") for name in _TYPE.findall(file.read_text())}
    assert sorted(ministack_types() & TYPES - set(listed())) == []
    assert sorted(set(listed()) - ministack_types() - own) == []


def test_list_is_sorted() -> None:
    assert listed() == sorted(listed())
