"""docs/local-aws.md lists the resource types that the local AWS has, and those that it only records."""

from __future__ import annotations

import json
import re

import pytest
from botocore.exceptions import ClientError

from stepline.localaws.cloudformation.recorded_types import RECORDED_TYPES
from stepline.localaws.cloudformation.type_schemas import resource_types
from tests.docs.pages import read
from tests.localaws.running_server import running_server

TYPES = resource_types("us-east-1")
MAX_RESOURCES = 500
"""Of one template."""


@pytest.fixture(scope="module")
def lacking(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The types of AWS that the local AWS calls its own lack."""
    found = set()
    with running_server(tmp_path_factory.mktemp("local-aws")) as server:
        client = server.client("cloudformation")
        every = sorted(TYPES)
        for start in range(0, len(every), MAX_RESOURCES):
            types = every[start : start + MAX_RESOURCES]
            template = {"Resources": {f"R{number}": {"Type": name} for number, name in enumerate(types)}}
            with pytest.raises(ClientError, match="The local AWS does not have") as caught:
                client.validate_template(TemplateBody=json.dumps(template))
            found |= set(re.findall(r"\w+::\w+::\w+", str(caught.value)))
    return found


def listed(which: str) -> list[str]:
    """Return the types of a list of the page: `**SQS** Queue, QueuePolicy; **SSM** Parameter.`"""
    pattern = rf"<!-- {which} types: .*? -->\n(.*?)\.\n+<!-- end of {which} types -->"
    found = re.search(pattern, read("docs/local-aws.md"), re.DOTALL)
    assert found is not None
    services = re.findall(r"\*\*(\w+)\*\*\s+([^;]+)", found.group(1))
    return [
        f"AWS::{service}::{name}" for service, names in services for name in re.split(r",\s+", names.strip())
    ]


def test_served_types_are_listed(lacking: set[str]) -> None:
    assert sorted(listed("served")) == sorted(TYPES - lacking - RECORDED_TYPES)


def test_recorded_types_are_listed(lacking: set[str]) -> None:
    assert sorted(listed("recorded")) == sorted(RECORDED_TYPES)
    assert not RECORDED_TYPES & lacking


def test_lists_are_sorted() -> None:
    for which in ("served", "recorded"):
        assert listed(which) == sorted(listed(which))
