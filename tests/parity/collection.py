"""The suites of the collection, and how many of their cases agree."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tests.parity
from tests.parity.outcome import Outcome

DOCUMENT = Path(__file__).parents[2] / "docs" / "local-aws.md"

NAMES = {
    "stepfunctions": "Step Functions",
    "cloudformation": "CloudFormation: templates",
    "changes": "CloudFormation: changes",
    "codepipeline": "CodePipeline",
    "codebuild": "CodeBuild",
}
"""Module -> suite. A module has `replay() -> Iterator[Outcome]`, and `SLOW = True` if it takes long."""


@dataclass(frozen=True)
class Total:
    """How many cases of a suite agree with AWS."""

    cases: int
    agreeing: int

    @property
    def percentage(self) -> str:
        return f"{100 * self.agreeing / self.cases:.1f} %" if self.cases else "-"


def suites() -> list[str]:
    """Return the modules of the suites that exist, in the order of the table."""
    found = {module.name for module in pkgutil.iter_modules(tests.parity.__path__)}
    return [name for name in NAMES if name in found]


def is_slow(suite: str) -> bool:
    """Return whether a suite is left out of `make test`."""
    return bool(getattr(_module(suite), "SLOW", False))


def replay(suite: str) -> list[Outcome]:
    """Run all cases of a suite."""
    return list(_module(suite).replay())


def total(outcomes: Iterable[Outcome]) -> Total:
    """Count the cases."""
    agreeing = [outcome.agrees for outcome in outcomes]
    return Total(len(agreeing), sum(agreeing))


def surprises(outcomes: Iterable[Outcome]) -> list[str]:
    """Return the cases that disagree without a reason, or agree although they have one."""
    return [describe(outcome) for outcome in outcomes if outcome.agrees == bool(outcome.difference)]


def describe(outcome: Outcome) -> str:
    """Return a case in a few lines."""
    lines = [f"{outcome.case} ({outcome.source})", f"  AWS:       {outcome.expected}"]
    lines.append(f"  local AWS: {outcome.seen}")
    if outcome.difference:
        lines.append(f"  known:     {outcome.difference}")
    return "\n".join(lines)


def documented_totals() -> dict[str, Total]:
    """Return the table of docs/local-aws.md: suite -> total."""
    rows = re.findall(r"^\| ([^|]+?) \| (\d+) \| (\d+) \|", DOCUMENT.read_text(), re.MULTILINE)
    return {suite: Total(int(cases), int(agreeing)) for suite, cases, agreeing in rows}


def _module(suite: str) -> Any:
    return importlib.import_module(f"{tests.parity.__name__}.{suite}")
