"""`make interleavings`: check random interleavings of several pipelines, for any time."""

from __future__ import annotations

import secrets
import sys
import time
import warnings

import click
from hypothesis.errors import HypothesisWarning
from rich.console import Console

from tests.interleavings.rules import Interleavings
from tests.interleavings.search import search

_EXAMPLES = 50
"""The examples of one search; the time is checked after each."""
_MAX_SEED = 2**32


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seconds", default=60.0, show_default=True, help="How long to search.")
@click.option("--seed", type=int, help="The seed of the first search; random by default.")
def main(*, seconds: float, seed: int | None) -> None:
    """Interleave several pipelines, faults and other users at random, and check what must always hold."""
    warnings.simplefilter("ignore", HypothesisWarning)  # about the recursion limit, which moto changes
    console = Console(highlight=False)
    first = current = secrets.randbelow(_MAX_SEED) if seed is None else seed
    start = time.monotonic()
    while current == first or time.monotonic() - start < seconds:
        try:
            search(current, examples=_EXAMPLES)
        except Exception as error:
            _show(console, current, error)
            sys.exit(1)
        current += 1
    totals = Interleavings.totals
    console.print(
        f"{totals.examples:,} examples with {totals.steps:,} steps, {totals.executions:,} deployments and"
        f" {totals.calls:,} calls, seeds {first} to {current - 1}: 0 violations."
        f" {time.monotonic() - start:.0f} s."
    )


def _show(console: Console, seed: int, error: Exception) -> None:
    console.print(f"[red]violation:[/] {error}", overflow="fold")
    for note in getattr(error, "__notes__", []):
        console.print(note, markup=False, overflow="fold")
    console.print(f"1 violation; repeat it with --seed {seed} --seconds 1")


if __name__ == "__main__":
    main()
