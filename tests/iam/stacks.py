"""The stacks whose roles are proved: the application's, and those of the systems beside it."""

from __future__ import annotations

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
    """A deployed template. `proof` is the stack whose ways go through this one: itself, or its main one."""

    name: str
    template: Path
    proof: str

    @property
    def resources(self) -> dict[str, Any]:
        """Of the template, by logical id."""
        resources: dict[str, Any] = _document(self.template)["Resources"]
        return resources


@cache
def _document(file: Path) -> dict[str, Any]:
    return template.read_template(file)


@cache
def stacks() -> dict[str, Stack]:
    """By name, as `stepline up --with` names them."""
    found = [Stack(APPLICATION, PROJECT / "template.yaml", APPLICATION)]
    for system in systems.list_systems(PROJECT):
        name = f"{APPLICATION}-{system.name}"
        found.append(Stack(name, system.template, name))
        if system.sample:
            found.append(Stack(name + SAMPLE, system.sample, name))
    return {stack.name: stack for stack in found}


def system_names() -> list[str]:
    """`s3-trigger`, … as `--with` takes them."""
    return [system.name for system in systems.list_systems(PROJECT)]
