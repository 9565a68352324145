"""The JSON twins have the members that docs/console.md lists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen

import pytest

from tests.console.browser.console_world import ConsoleWorld
from tests.console.browser.test_every_page import PAGES
from tests.docs.pages import read

pytestmark = pytest.mark.xdist_group("console")

SECTIONS = {
    "overview": "/index.json",
    "pipeline": "/pipelines/{name}.json",
    "pipeline-execution": "/pipelines/{name}/executions/{id}.json",
    "failed-pipeline-execution": "/pipelines/{name}/executions/{id}.json",
    "state-machines": "/state-machines.json",
    "state-machine": "/state-machines/{name}.json",
    "execution": "/executions/{arn}.json",
    "state": "/executions/{arn}/states/{visit}.json",
    "events": "/executions/{arn}/events.json",
    "deployment": "/executions/{arn}/deployment.json",
    "search": "/search.json",
    "release": "/acts/{act}.json",
}
_OF_USERS = {
    "input",
    "output",
    "outputs",
    "outputVariables",
    "parameters",
    "fields",
    "selected",
    "log",
    "changes",
}
"""Members whose content the page does not list: it is that of AWS or of the user."""


@pytest.mark.parametrize("name", SECTIONS)
def test_members_are_documented(world: ConsoleWorld, name: str) -> None:
    path, _, query = PAGES[name](world).partition("?")
    with urlopen(f"{world.address}{'/index' if path == '/' else path}.json?{query}", timeout=30) as response:
        document = json.load(response)
    sections = re.split(r"^#{2,3} ", read("docs/console.md"), flags=re.MULTILINE)
    (common,) = (each for each in sections if each.startswith("JSON\n"))
    (own,) = (each for each in sections if each.startswith(f"`{SECTIONS[name]}`"))
    if SECTIONS[name] == "/pipelines/{name}/executions/{id}.json":
        own += next(each for each in sections if each.startswith("`/pipelines/{name}.json`"))
    documented = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", common + own))))
    assert set(members(document)) - documented == set()


def members(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield name
            if name not in _OF_USERS:
                yield from members(member)
    elif isinstance(value, list):
        for each in value:
            yield from members(each)
