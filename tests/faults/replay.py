"""Shows one schedule call by call."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from tests.faults.exploration import Explorer
from tests.faults.scenarios import scenarios
from tests.faults.schedule import Schedule
from tests.faults.world import World


def replay(schedule: Schedule, explorer: Explorer, console: Console) -> int:
    """Print what happened, and return the exit code: 1 if there are violations."""
    scenario = scenarios()[schedule.scenario]
    expected = explorer.baseline(schedule.scenario).ending
    world = explorer.world(schedule)
    world.run()
    console.print(_calls(world, schedule))
    for text in scenario.responses(world):
        console.print("response:", text, overflow="fold")
    for name, value in vars(scenario.ending(world)).items():
        console.print(
            f"{name}:", ", ".join(text.strip() for text in value if text) or "none", overflow="fold"
        )
    found = scenario.violations(world, expected)
    for text in found:
        console.print(f"[red]violation:[/] {text}", overflow="fold")
    console.print(f"{len(found)} violations")
    return 1 if found else 0


def _calls(world: World, schedule: Schedule) -> Table:
    faults = {injection.call: injection.fault for injection in schedule.injections}
    table = Table(title=str(schedule), title_justify="left", box=None)
    for name in ("call", "function", "operation", "attempts", "fault", "ended with"):
        table.add_column(name, overflow="fold")
    invocations = {call.number: run for run in world.functions.invocations for call in run.calls}
    for call in world.calls:
        run = invocations.get(call.number)
        table.add_row(
            str(call.number),
            call.function + (" (repeated)" if run and run.is_repeat else ""),
            call.operation.name,
            str(call.attempts),
            faults.get(call.number, ""),
            run.error if run and call is run.calls[-1] else "",
        )
    return table
