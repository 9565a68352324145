"""The ways a deployment can take when nothing breaks: the deploy cases, and some of the trigger's own."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults import invariants
from tests.faults.kinds import CLASSES, Fault, Schedule
from tests.faults.network import Network
from tests.faults.simulation import Simulation
from tests.faults.surroundings import EXPRESS_MACHINE, TRIGGER
from tests.statemachines import cases

_OWN_MEMBERS = ("codepipeline", "revisionS3Bucket", "revisionS3Key")
_BROKEN = ("faults", "functionFaults", "missingFunction")
_NOT_WHOLE = frozenset({"artifact_gone"})  # in a whole pipeline the trigger has just read it
_PATH = "deploy/input.json"
_EXPRESS = {"STATE_MACHINE_ARN": EXPRESS_MACHINE, "EXPRESS_CLAIMS_BUCKET": "claims"}


@dataclass(frozen=True)
class Way:
    """`case` is a file of `tests/statemachines/deploy_cases`; the rest is the pipeline action's."""

    name: str
    case: str
    user_parameters: dict[str, Any] | None = None
    settings: dict[str, str] = field(default_factory=dict)
    input_path: str = "state_machine_input.json"
    output_artifact: bool = False

    def simulation(self, network: Network, schedule: Schedule) -> Simulation:
        """The scene, set; `schedule` is of this way."""
        simulation = Simulation(
            network,
            schedule,
            user_parameters=json.dumps(self.user_parameters) if self.user_parameters else None,
            settings=self.settings,
            output_artifact=self.output_artifact,
        )
        document = cases.prepare(simulation, cases.load(self.case))  # type: ignore[arg-type]
        given = {name: value for name, value in document.items() if name not in _OWN_MEMBERS}
        simulation.push_source.files[self.input_path] = json.dumps(given)
        return simulation

    def ending(self, simulation: Simulation) -> invariants.Ending:
        return invariants.ending(simulation)

    def violations(self, simulation: Simulation, expected: invariants.Ending) -> list[str]:
        return invariants.violations(simulation, expected)

    def tell(self, simulation: Simulation) -> list[str]:
        finals = [answer for answer in simulation.answers if answer.is_final]
        return [json.dumps({**answer.parameters}, default=str) for answer in finals]

    def classes(self, _function: str) -> Mapping[str, tuple[Fault, ...]]:
        return CLASSES

    def is_common(self, functions: tuple[str, ...]) -> bool:
        """Until the first task runs."""
        return set(functions) == {TRIGGER}


_OF_THE_TRIGGER = (
    Way(
        "input_file",
        "new_stack",
        {"inputFile": _PATH, "parameters": {"environmentName": "dev"}},
        input_path=_PATH,
    ),
    Way("output_artifact", "unchanged", output_artifact=True),
    Way("no_progress", "update", settings={"SHOW_PROGRESS": "false"}),
    Way("deadline", "busy_stack_never_ends", {"timeoutMinutes": 1}),
    Way("express", "unchanged", settings=_EXPRESS),
)


@functools.cache
def ways() -> dict[str, Way]:
    """By name."""
    found = [Way(name, name) for name in cases.names() if _is_whole(name)]
    return {way.name: way for way in (*found, *_OF_THE_TRIGGER)}


def distinct() -> list[str]:
    """One way for each path through the states and each whim of CloudFormation: the shortest name."""
    found: dict[str, str] = {}
    for name, way in sorted(ways().items(), key=lambda item: (len(item[0]), item[0])):
        case = cases.load(way.case)
        own = [
            case["path"],
            case.get("cloudformation"),
            way.user_parameters,
            way.settings,
            way.output_artifact,
        ]
        found.setdefault(json.dumps(own), name)
    return sorted(found.values())


def _is_whole(name: str) -> bool:
    return name not in _NOT_WHOLE and not any(key in cases.load(name) for key in _BROKEN)
