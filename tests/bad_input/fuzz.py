"""The fuzzer: `python -m tests.bad_input.fuzz --seconds 60`; `--help` shows the options.

It runs the targets one after the other, each for its share of the time, in rounds of some hundred examples.
The first round has the seed that is printed, and each further round the next seed. A failure is reproduced
with the seed of its round, or with its blob.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import click
from hypothesis import HealthCheck, given, reproduce_failure, seed, settings
from hypothesis import __version__ as hypothesis_version
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from stepline.localaws.emulators.moto.interpreter import load_engine
from tests.bad_input.all_targets import all_targets
from tests.bad_input.targets import Target

EXAMPLES_PER_ROUND = 300
COMMAND = "python -m tests.bad_input.fuzz"
_TARGETS = {target.name: target for target in all_targets()}


@dataclass
class Score:
    """The statistics of one target; the times are seconds of the processor."""

    target: Target
    examples: int = 0
    seconds: float = 0
    slowest_seconds: float = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    failure: str = ""
    failed_seed: int = 0

    def check(self, example: Any) -> None:
        start = time.process_time()
        self.outcomes[self.target.property(example)] += 1
        duration = time.process_time() - start
        self.examples += 1
        self.seconds += duration
        self.slowest_seconds = max(self.slowest_seconds, duration)


def run_round(score: Score, round_seed: int, *, blob: str | None = None) -> None:
    """Run some hundred examples, or that of `blob`; store the smallest failing one in `score.failure`."""

    @seed(round_seed)
    @settings(
        max_examples=EXAMPLES_PER_ROUND,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=[*HealthCheck],
    )
    @given(score.target.given)
    def run(example: Any) -> None:
        score.check(example)

    try:
        (reproduce_failure(hypothesis_version, blob.encode())(run) if blob else run)()
    except Exception as error:
        score.failure, score.failed_seed = _description(error), round_seed


def _description(error: BaseException) -> str:
    """Return the error and Hypothesis's notes, which have the example and how to reproduce it."""
    notes = getattr(error, "__notes__", [])
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    location = f"{traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno}" if traceback else ""
    return "\n".join([f"{type(error).__name__}: {error}", location, *notes])


def fuzz(scores: list[Score], first_seed: int, seconds: float) -> Iterator[None]:
    """Run the targets, and yield after each round. A target that failed is not run again."""
    started = time.monotonic()
    for number, score in enumerate(scores, start=1):
        deadline = started + seconds * number / len(scores)
        round_seed = first_seed
        while not score.failure:
            run_round(score, round_seed)
            round_seed += 1
            yield
            if time.monotonic() >= deadline:
                break


def table(scores: list[Score]) -> Table:
    result = Table(title="Bad input", title_justify="left", caption_justify="left")
    result.add_column("target")
    for name in ("examples", "outcomes", "per second", "slowest"):
        result.add_column(name, justify="right")
    result.add_column("")
    for score in scores:
        state = "[red]failed" if score.failure else "[green]ok" if score.examples else "[dim]waiting"
        rate = f"{score.examples / score.seconds:,.0f}" if score.seconds else ""
        slowest = f"{score.slowest_seconds * 1000:,.0f} ms"
        result.add_row(
            score.target.name, f"{score.examples:,}", str(len(score.outcomes)), rate, slowest, state
        )
    return result


def show_outcomes(console: Console, scores: list[Score]) -> None:
    for score in scores:
        result = Table(title=score.target.name, title_justify="left", show_header=False, box=None)
        for outcome, count in score.outcomes.most_common():
            result.add_row(f"{count:,}", outcome)
        console.print(result)


@click.command(help="Finds input that does not end in one clear outcome.")
@click.option("--seconds", default=60.0, show_default=True, help="for all targets together")
@click.option("--target", "names", multiple=True, type=click.Choice(list(_TARGETS)), help="default: all")
@click.option("--seed", "first_seed", type=int, help="the seed that an earlier run printed")
@click.option("--replay", "blob", help="the blob of a failure; needs --target")
@click.option("--outcomes", is_flag=True, help="list the kinds of outcomes with their counts")
def main(
    *, seconds: float, names: tuple[str, ...], first_seed: int | None, blob: str | None, outcomes: bool
) -> None:
    console = Console()
    load_engine()  # it changes the recursion limit, which must not change while Hypothesis runs
    scores = [Score(_TARGETS[name]) for name in names or _TARGETS]
    first_seed = secrets.randbelow(10**9) if first_seed is None else first_seed
    if blob:
        if len(scores) != 1:
            raise click.UsageError("--replay needs one --target")
        run_round(scores[0], first_seed, blob=blob)
    else:
        console.print(f"seed {first_seed}", highlight=False)
        with Live(table(scores), console=console, refresh_per_second=2) as live:
            for _ in fuzz(scores, first_seed, seconds):
                live.update(table(scores))
        console.print()
    if outcomes:
        show_outcomes(console, scores)
    failed = [score for score in scores if score.failure]
    for score in failed:
        command = f'{COMMAND} --target "{score.target.name}" --seed {score.failed_seed} --seconds 0'
        console.rule(f"[red]{score.target.name}", align="left", style="red")
        console.print(Text(f"{score.failure}\n\n{command}\n"), soft_wrap=True)  # so that it can be copied
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
