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
    "template.yaml",
    "pyproject.toml",
)
_ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "2000", "TERM": "dumb"}
_PREFIX = "violation: "


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1)
def main(names: tuple[str, ...]) -> None:
    """Check that fault injection finds the planted bugs NAMES, by default all of them."""
    bugs = planted_bugs()
    if unknown := set(names) - bugs.keys():
        raise click.BadParameter(f"unknown bug {', '.join(sorted(unknown))}; known are {', '.join(bugs)}")
    console = Console(highlight=False)
    table = Table("planted", "schedule", "caught by", show_lines=True)
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = _copy(Path(folder))
        for name in names or bugs:
            violations = _violations(bugs[name], copy)
            is_caught = any(bugs[name].violation in text for text in violations)
            survivors += not is_caught
            table.add_row(name, bugs[name].schedule, violations[0] if is_caught else "[red]survived[/]")
            console.print(f"{name}: {'caught' if is_caught else 'survived'}")
            if not is_caught:
                console.print(*violations, sep="\n")
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


def _violations(bug: PlantedBug, copy: Path) -> list[str]:
    """Return the violations that the bug's schedule shows, or the end of the output if it shows none."""
    bug.apply(copy)
    try:
        result = subprocess.run(
            [sys.executable, "-m", "tests.faults", "--replay", bug.schedule],
            cwd=copy,
            env=os.environ | _ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        bug.remove(copy)
    found = [line.removeprefix(_PREFIX) for line in result.stdout.splitlines() if line.startswith(_PREFIX)]
    return found or [(result.stdout + result.stderr)[-2000:]]


if __name__ == "__main__":
    main()
