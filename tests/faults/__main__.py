"""`make faults`: let everything fail, once and twice, and see that each job still gets its one answer."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.faults import replay
from tests.faults.exploration import Baseline, Explorer, Finding, Findings, Result, pairs, singles
from tests.faults.kinds import Schedule
from tests.faults.network import ENVIRONMENT
from tests.faults.ways import distinct, ways

_CHUNK = 16
_RUNS_PER_COLLECTION = 25
_runs = 0
_explorer: Explorer | None = None


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seed", default=1, show_default=True, help="Which fault of each class is tried where.")
@click.option("--way", "names", multiple=True, metavar="NAME", help="Only this way; may be repeated.")
@click.option("--everything", is_flag=True, help="Every fault of every class, and no pair left out: hours.")
@click.option("--once", is_flag=True, help="Single faults only.")
@click.option("--jobs", default=os.cpu_count() or 1, show_default=True, help="Processes.")
@click.option("--replay", "text", metavar="SCHEDULE", help="Run one schedule and tell what happened.")
@click.option("--list", "list_ways", is_flag=True, help="List the ways.")
def main(
    *, seed: int, names: tuple[str, ...], everything: bool, jobs: int, text: str, list_ways: bool, once: bool
) -> None:
    """Inject faults into every way of a deployment, and check what must always hold."""
    console = Console(highlight=False)
    if list_ways:
        console.print("\n".join(ways()))
    elif text:
        sys.exit(replay.replay(_schedule(text), console))
    else:
        _check(names)
        chosen = list(names) or (list(ways()) if everything else distinct())
        sys.exit(_explore(console, chosen, seed=seed, everything=everything, jobs=jobs, once=once))


def _check(names: tuple[str, ...]) -> None:
    if unknown := set(names) - ways().keys():
        raise click.BadParameter(f"there is no way {', '.join(sorted(unknown))}; --list tells them")


def _schedule(text: str) -> Schedule:
    try:
        schedule = Schedule.parse(text)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is no schedule ({error}); one is 'update: 12 throttled'"
        ) from error
    _check((schedule.way,))
    return schedule


def _explore(
    console: Console, names: list[str], *, seed: int, everything: bool, jobs: int, once: bool
) -> int:
    begun = time.monotonic()
    findings = Findings()
    numbers = multiprocessing.get_context("fork").Value("i", 0)
    with (
        ProcessPoolExecutor(
            jobs, mp_context=multiprocessing.get_context("fork"), initializer=_prepare, initargs=(numbers,)
        ) as pool,
        _progress(console) as progress,
    ):
        baselines: list[Baseline] = list(pool.map(_baseline, names))
        alone = list(singles(baselines, seed=seed, everything=everything))
        first = list(_run(pool, progress, "single faults", alone, findings))
        twice = [] if once else list(pairs(baselines, first, seed=seed, everything=everything))
        for _ in _run(pool, progress, "pairs of faults", twice, findings):
            pass
    seconds = time.monotonic() - begun
    console.print(
        f"{findings.runs:,} schedules on {len(names)} ways ({len(alone):,} single faults, {len(twice):,}"
        f" pairs), seed {seed}: {findings.violations:,} violations. {seconds:.0f} s, {jobs} processes."
    )
    if findings.found:
        console.print(_table(findings.found.values()))
    return 1 if findings.found else 0


def _run(
    pool: ProcessPoolExecutor,
    progress: Progress,
    what: str,
    schedules: list[Schedule],
    findings: Findings,
) -> Iterator[Result]:
    for result in progress.track(
        pool.map(_run_one, schedules, chunksize=_CHUNK), total=len(schedules), description=what
    ):
        findings.add(result)
        yield result


def _table(findings: Iterable[Finding]) -> Table:
    table = Table(title="Violations, each with its shortest schedule", title_justify="left", show_lines=True)
    table.add_column("how often", justify="right")
    table.add_column("what", overflow="fold")
    table.add_column("make faults ARGS=\"--replay '…'\"", overflow="fold")
    for finding in sorted(findings, key=lambda item: -item.count):
        table.add_row(f"{finding.count:,}", finding.text, str(finding.schedule))
    return table


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description:16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


def _prepare(numbers: Any) -> None:
    """In each process: clients take long to make."""
    global _explorer  # noqa: PLW0603 - a process of the pool has no other place
    with numbers.get_lock():
        number = numbers.value
        numbers.value += 1
    if hasattr(os, "sched_setaffinity"):  # threads that take turns do it twice as fast on one processor
        processors = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {processors[number % len(processors)]})
    os.environ.update(ENVIRONMENT)
    _explorer = Explorer()
    gc.freeze()  # what stays needs no looking at
    gc.disable()


def _baseline(way: str) -> Baseline:
    assert _explorer is not None
    return _explorer.baseline(way)


def _run_one(schedule: Schedule) -> Result:
    global _runs  # noqa: PLW0603
    assert _explorer is not None
    _runs += 1
    if _runs % _RUNS_PER_COLLECTION == 0:
        gc.collect()
    return _explorer.run(schedule)


if __name__ == "__main__":
    main()
