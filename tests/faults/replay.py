"""One schedule, told call by call."""

from __future__ import annotations

import os

from rich.console import Console
from rich.table import Table

from tests.faults.exploration import Explorer
from tests.faults.kinds import Schedule
from tests.faults.network import ENVIRONMENT
from tests.faults.ways import ways
from tests.faults.world import World


def replay(schedule: Schedule, console: Console) -> int:
    """Print what happened; the exit code, 1 if something does not hold."""
    os.environ.update(ENVIRONMENT)
    explorer, way = Explorer(), ways()[schedule.way]
    expected = explorer.baseline(schedule.way).ending
    simulation = explorer.simulation(schedule)
    simulation.run()
    console.print(_calls(simulation, schedule))
    for text in way.tell(simulation):
        console.print("answered:", text, overflow="fold")
    found = way.violations(simulation, expected)
    for name, value in vars(way.ending(simulation)).items():
        console.print(
            f"{name}:", ", ".join(text.strip() for text in value if text) or "none", overflow="fold"
        )
    for text in found:
        console.print(f"[red]does not hold:[/] {text}", overflow="fold")
    console.print("everything holds" if not found else f"{len(found)} violations")
    return 1 if found else 0


def _calls(simulation: World, schedule: Schedule) -> Table:
    faults = {injection.call: injection.fault for injection in schedule.injections}
    table = Table(title=str(schedule), title_justify="left", box=None)
    for name in ("call", "function", "operation", "tries", "fault", "ended with"):
        table.add_column(name, overflow="fold")
    runs = {call.number: run for run in simulation.functions.invocations for call in run.made}
    for call in simulation.calls:
        run = runs.get(call.number)
        table.add_row(
            str(call.number),
            call.function + (" (again)" if run and run.is_repeat else ""),
            call.operation.name,
            str(call.attempts),
            faults.get(call.number, ""),
            run.error if run and call is run.made[-1] else "",
        )
    return table
