"""Replays the cases whose outcome on AWS is known: `make parity`, `make parity ARGS=stepfunctions`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from tests.parity.collection import (
    NAMES,
    describe,
    documented_totals,
    replay,
    suites,
    surprises,
    total,
)
from tests.parity.outcome import Outcome


def main(names: Sequence[str]) -> int:
    """Print the table and the cases that do not agree. Return 1 if one of them is a surprise."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    outcomes = {name: replay(name) for name in names or suites()}
    everything = [outcome for found in outcomes.values() for outcome in found]
    for outcome in everything:
        if not outcome.agrees:
            console.print(describe(outcome))
    console.print(_table(outcomes))
    unexpected = surprises(everything)
    for text in unexpected:
        console.print("UNEXPECTED:", text)
    outdated = [
        NAMES[name]
        for name, found in outcomes.items()
        if documented_totals().get(NAMES[name]) != total(found)
    ]
    if outdated:
        console.print(f"The table of docs/local-aws.md is not up to date: {', '.join(outdated)}")
    return 1 if unexpected or outdated else 0


def _table(outcomes: Mapping[str, Sequence[Outcome]]) -> Table:
    table = Table("suite", "cases", "agree", "")
    for name, found in outcomes.items():
        counted = total(found)
        table.add_row(NAMES[name], str(counted.cases), str(counted.agreeing), counted.percentage)
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
