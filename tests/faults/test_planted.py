"""The planted bugs can still be introduced, and without them their schedules show nothing."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from tests.faults.exploration import Explorer
from tests.faults.places import resolve
from tests.faults.planted import PROJECT, PlantedBug, planted_bugs
from tests.faults.planted import __main__ as command


@pytest.mark.parametrize("bug", planted_bugs().values(), ids=lambda bug: bug.name)
def test_planted_bug_can_be_introduced(bug: PlantedBug) -> None:
    assert (PROJECT / bug.file).read_text().count(bug.old) == 1
    assert bug.old != bug.new
    assert bug.why.endswith(".")


def test_planted_bugs_are_documented() -> None:
    document = (PROJECT / "docs/faults.md").read_text()
    for bug in planted_bugs().values():
        assert f"| `{bug.name}` | {bug.why[:-1]} | `{bug.schedule}` |" in document


@pytest.mark.parametrize("bug", planted_bugs().values(), ids=lambda bug: bug.name)
def test_schedule_shows_nothing_without_its_bug(bug: PlantedBug, explorer: Explorer) -> None:
    assert explorer.run(resolve(bug.schedule, explorer)).violations == ()


def test_command_finds_a_planted_bug() -> None:
    result = CliRunner().invoke(command.main, ["older_outputs"], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert "older_outputs: caught" in result.output
    assert "1 planted, 0 survived" in result.output


def test_command_refuses_an_unknown_bug() -> None:
    result = CliRunner().invoke(command.main, ["unknown"])
    assert result.exit_code == 2
    assert "unknown bug unknown" in result.output
