"""The stacks whose roles are tested: those of the application and of the systems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from stepline.deployment import systems, template

PROJECT = Path(__file__).parents[2]
APPLICATION = "stepline"
SAMPLE = "-sample"


@dataclass(frozen=True)
class Stack:
    """A deployed template. `suite` is the stack whose suite tests it: itself, or a sample's system."""

    name: str
    template: Path
    suite: str

    @property
    def templates(self) -> list[Path]:
        """The template and those of its nested stacks."""
        return [self.template, *_parts(self.template)]

    @property
    def resources(self) -> dict[str, Any]:
        """The resources of all templates, by logical id."""
        found: dict[str, Any] = {}
        for file in self.templates:
            found |= _document(file)["Resources"]
        return found


def _parts(file: Path) -> Iterator[Path]:
    for resource in _document(file)["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Application":
            yield file.parent / resource["Properties"]["Location"]


@cache
def _document(file: Path) -> dict[str, Any]:
    return template.read_template(file)


@cache
def stacks() -> dict[str, Stack]:
    """Return the stacks by the names that `stepline up --with` gives them."""
    found = [Stack(APPLICATION, PROJECT / "template.yaml", APPLICATION)]
    for system in systems.list_systems(PROJECT):
        name = f"{APPLICATION}-{system.name}"
        found.append(Stack(name, system.template, name))
        if system.sample:
            found.append(Stack(name + SAMPLE, system.sample, name))
    return {stack.name: stack for stack in found}


def system_names() -> list[str]:
    """Return the systems as `--with` names them: `s3-trigger`, …"""
    return [system.name for system in systems.list_systems(PROJECT)]
