"""`python -m tests.interleavings`: random interleavings of many pipelines, for as long as you like."""

from __future__ import annotations

import secrets
import sys
import time
import warnings

import click
from hypothesis.errors import HypothesisWarning
from rich.console import Console

from tests.interleavings.machine import Interleavings
from tests.interleavings.search import search

_EXAMPLES = 50
"""In one go; the clock is looked at between two."""
_MAX_SEED = 2**32


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seconds", default=60.0, show_default=True, help="How long to look.")
@click.option("--seed", type=int, help="Of the first examples; a random one if not given.")
def main(*, seconds: float, seed: int | None) -> None:
    """Interleave several pipelines, faults and other people at random, and check what must always hold."""
    warnings.simplefilter("ignore", HypothesisWarning)  # of the recursion limit, which the interpreter sets
    console = Console(highlight=False)
    first = current = secrets.randbelow(_MAX_SEED) if seed is None else seed
    begun = time.monotonic()
    while current == first or time.monotonic() - begun < seconds:
        try:
            search(current, examples=_EXAMPLES)
        except Exception as error:
            _tell(console, current, error)
            sys.exit(1)
        current += 1
    counted = Interleavings.counted
    console.print(
        f"{counted.examples:,} examples with {counted.steps:,} steps, {counted.executions:,} deployments and"
        f" {counted.calls:,} calls, seeds {first} to {current - 1}: 0 violations."
        f" {time.monotonic() - begun:.0f} s."
    )


def _tell(console: Console, seed: int, error: Exception) -> None:
    console.print(f"[red]does not hold:[/] {error}", overflow="fold")
    for note in getattr(error, "__notes__", []):
        console.print(note, markup=False, overflow="fold")
    console.print(f"1 violation; again with --seed {seed} --seconds 1")


if __name__ == "__main__":
    main()
