"""`make faults`: inject one or two faults at every AWS call of every scenario, and check the invariants."""

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
from tests.faults.network import ENVIRONMENT
from tests.faults.places import resolve
from tests.faults.scenarios import distinct, scenarios
from tests.faults.schedule import Schedule

_CHUNK = 16
_RUNS_PER_COLLECTION = 50
_runs = 0
_explorer: Explorer | None = None
"""It is made before the processes of the pool, which inherit its clients and baselines."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seed", default=1, show_default=True, help="Decides which fault of its class each call gets.")
@click.option("--scenario", "names", multiple=True, metavar="NAME", help="Only this one; may be repeated.")
@click.option("--everything", is_flag=True, help="Every fault of every class, and every pair: takes hours.")
@click.option("--once", is_flag=True, help="Single faults only.")
@click.option("--jobs", default=os.cpu_count() or 1, show_default=True, help="Processes.")
@click.option("--replay", "text", metavar="SCHEDULE", help="Run one schedule and show every call.")
@click.option("--list", "list_scenarios", is_flag=True, help="List the scenarios.")
def main(
    *,
    seed: int,
    names: tuple[str, ...],
    everything: bool,
    jobs: int,
    text: str,
    list_scenarios: bool,
    once: bool,
) -> None:
    """Inject faults at every AWS call of every scenario, and check what must always hold."""
    console = Console(highlight=False)
    if list_scenarios:
        console.print("\n".join(scenarios()))
    elif text:
        os.environ.update(ENVIRONMENT)
        explorer = Explorer()
        sys.exit(replay.replay(_schedule(text, explorer), explorer, console))
    else:
        _check(names)
        chosen = list(names) or (list(scenarios()) if everything else distinct())
        sys.exit(_explore(console, chosen, seed=seed, everything=everything, jobs=jobs, once=once))


def _check(names: tuple[str, ...]) -> None:
    if unknown := set(names) - scenarios().keys():
        raise click.BadParameter(f"unknown scenario {', '.join(sorted(unknown))}; --list shows all")


def _schedule(text: str, explorer: Explorer) -> Schedule:
    _check((text.partition(":")[0].strip(),))
    try:
        return resolve(text, explorer)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is not a schedule ({error}); examples are 'update: 12 throttled' and "
            "'update: CreateChangeSet-1 throttled'"
        ) from error


def _explore(
    console: Console, names: list[str], *, seed: int, everything: bool, jobs: int, once: bool
) -> int:
    start = time.monotonic()
    findings = Findings()
    baselines = _baselines(names)
    numbers = multiprocessing.get_context("fork").Value("i", 0)
    with (
        ProcessPoolExecutor(
            jobs, mp_context=multiprocessing.get_context("fork"), initializer=_prepare, initargs=(numbers,)
        ) as pool,
        _progress(console) as progress,
    ):
        alone = list(singles(baselines, seed=seed, everything=everything))
        first = list(_run(pool, progress, "single faults", alone, findings))
        progress.console.print(f"{len(alone):,} single faults: {findings.violations:,} violations.")
        twice = [] if once else list(pairs(baselines, first, seed=seed, everything=everything))
        for _ in _run(pool, progress, "pairs of faults", twice, findings):
            pass
    seconds = time.monotonic() - start
    console.print(
        f"{findings.runs:,} schedules in {len(names)} scenarios ({len(alone):,} single faults, {len(twice):,}"
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
    table.add_column("count", justify="right")
    table.add_column("violation", overflow="fold")
    table.add_column("make faults ARGS=\"--replay '…'\"", overflow="fold")
    for finding in sorted(findings, key=lambda item: -item.count):
        table.add_row(f"{finding.count:,}", finding.text, str(finding.schedule))
    return table


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description:16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


def _baselines(names: list[str]) -> list[Baseline]:
    """Run each scenario without faults. This loads everything that the processes of the pool need."""
    global _explorer  # noqa: PLW0603 - a process of the pool has no other place
    os.environ.update(ENVIRONMENT)
    _explorer = Explorer()
    baselines = [_explorer.baseline(name) for name in names]
    gc.collect()
    gc.freeze()  # what stays is half a million objects, which no collection need visit again
    return baselines


def _prepare(numbers: Any) -> None:
    """Prepare a process of the pool."""
    with numbers.get_lock():
        number = numbers.value
        numbers.value += 1
    if hasattr(os, "sched_setaffinity"):  # threads that take turns are twice as fast on one processor
        processors = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {processors[number % len(processors)]})
    gc.disable()


def _run_one(schedule: Schedule) -> Result:
    global _runs  # noqa: PLW0603
    assert _explorer is not None
    _runs += 1
    if _runs % _RUNS_PER_COLLECTION == 0:
        gc.collect()
    return _explorer.run(schedule)


if __name__ == "__main__":
    main()
