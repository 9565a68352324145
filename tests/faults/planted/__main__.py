"""`make planted`: introduce each bug in a copy of the project, and run the schedule that must show it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from tests.faults.planted import PROJECT, PlantedBug, planted_bugs

_COPIED = (
    "pipeline",
    "statemachines",
    "stepline",
    "tests",
    "local_events",
    "pyproject.toml",
)
_ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "2000"}
_LINES = 30


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1)
@click.option("--explore", is_flag=True, help="Explore the whole scenario as `make faults` does.")
def main(names: tuple[str, ...], *, explore: bool) -> None:
    """Check that fault injection finds the planted bugs NAMES, by default all of them."""
    bugs = planted_bugs()
    if unknown := set(names) - bugs.keys():
        raise click.BadParameter(f"unknown bug {', '.join(sorted(unknown))}; known are {', '.join(bugs)}")
    console = Console(highlight=False)
    table = Table("planted", "schedule", "caught by")
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = _copy(Path(folder))
        for name in names or bugs:
            bug = bugs[name]
            output = _output(bug, copy, explore=explore)
            caught = next((line for line in output if bug.violation in line), "")
            survivors += not caught
            table.add_row(name, bug.schedule, bug.violation if caught else "[red]survived[/]")
            console.print(f"{name}: {'caught' if caught else 'survived'}")
            if not caught:
                console.print(*output[-_LINES:], sep="\n")
    console.print(table)
    console.print(f"{len(table.rows)} planted, {survivors} survived.")
    sys.exit(1 if survivors else 0)


def _copy(folder: Path) -> Path:
    ignore = shutil.ignore_patterns("__pycache__", ".aws-sam", "node_modules")
    for name in _COPIED:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignore)
        else:
            shutil.copy(source, folder / name)
    return folder


def _output(bug: PlantedBug, copy: Path, *, explore: bool) -> list[str]:
    """Return the lines that `make faults` prints with the bug."""
    scenario = bug.schedule.partition(":")[0]
    arguments = ["--scenario", scenario] if explore else ["--replay", bug.schedule]
    bug.apply(copy)
    try:
        result = subprocess.run(
            [sys.executable, "-m", "tests.faults", *arguments],
            cwd=copy,
            env=os.environ | _ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        bug.remove(copy)
    return (result.stdout + result.stderr).splitlines()


if __name__ == "__main__":
    main()
