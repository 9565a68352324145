"""Scenarios of a pipeline: the cases of the Deploy state machine, and some of the trigger's own."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults import pipeline_invariants
from tests.faults.network import Network
from tests.faults.pipeline_parts import EXPRESS_MACHINE, LARGE_DATA_BUCKET, TRIGGER
from tests.faults.pipeline_world import MAX_WAIT_MINUTES, PipelineWorld
from tests.faults.schedule import Fault, Schedule
from tests.faults.sites import Site, possible_classes
from tests.statemachines.deploy import case_runner

_ADDED_BY_TRIGGER = ("codepipeline", "revisionS3Bucket", "revisionS3Key")
_FAULTS_OF_CASES = ("faults", "functionFaults", "missingFunction", "environment")
_NOT_IN_A_PIPELINE = frozenset(
    {
        "artifact_deleted",  # the trigger has just read the artifact
        "approval_by_the_requester",  # the simulated pipeline decides who has started it
    }
)
_UNPROTECTED = ("failed_stack_changed", "DeleteFailedStack")
"""Another process executes the change set of a stack in REVIEW_IN_PROGRESS. No request deletes a stack only
if it is still in this status, so an older answer is not excluded (docs/faults.md).
"""
_PATH = "deploy/input.json"
LARGE = {"LARGE_DATA_BUCKET": LARGE_DATA_BUCKET}
LARGE_CHARACTERS = 262_144
_EXPRESS = {"STATE_MACHINE_ARN": EXPRESS_MACHINE, "EXPRESS_CLAIMS_BUCKET": "claims"}


@dataclass(frozen=True)
class PipelineScenario:
    """`case` is a file of `tests/statemachines/deploy/cases`; the rest is for the pipeline's action.

    `is_of_trigger`: the action does not end as the case says. `stop_in`, `loses_events`,
    `names_action`: as in `PipelineWorld`. `large_input`: it is above 256 KB.
    """

    name: str
    case: str
    user_parameters: dict[str, Any] | None = None
    settings: dict[str, str] = field(default_factory=dict)
    input_path: str = "state_machine_input.json"
    output_artifact: bool = False
    is_of_trigger: bool = False
    stop_in: str = ""
    loses_events: bool = False
    names_action: bool = False
    large_input: bool = False

    @property
    def world_class(self) -> type[PipelineWorld]:
        return PipelineWorld

    def world(self, network: Network, schedule: Schedule) -> PipelineWorld:
        world = self.world_class(
            network,
            schedule,
            user_parameters=json.dumps(self.user_parameters) if self.user_parameters else None,
            settings=self.settings,
            output_artifact=self.output_artifact,
            stop_in=self.stop_in,
            loses_events=self.loses_events,
            names_action=self.names_action,
        )
        document = case_runner.prepare(world, case_runner.load(self.case))
        own = {name: value for name, value in document.items() if name not in _ADDED_BY_TRIGGER}
        if self.large_input:
            own["text"] = "x" * LARGE_CHARACTERS
        world.source.files[self.input_path] = json.dumps(own)
        world.cloudformation.forget_versions()
        return world

    def ending(self, world: PipelineWorld) -> pipeline_invariants.Ending:
        return pipeline_invariants.ending(world)

    def violations(self, world: PipelineWorld, expected: pipeline_invariants.Ending) -> list[str]:
        own = [] if world.schedule.injections or self.is_of_trigger else list(self._ends_otherwise(world))
        return own + pipeline_invariants.violations(world, expected)

    def _ends_otherwise(self, world: PipelineWorld) -> Iterator[str]:
        """Without faults, the execution ends as the case says."""
        expected = case_runner.load(self.case)["expected"]
        (execution,) = world.executions
        if "error" in expected:
            cause = (execution.cause or "").replace(f"{MAX_WAIT_MINUTES} minutes", "30 minutes")
            if execution.error != expected["error"] or not all(part in cause for part in expected["cause"]):
                yield f"the case expects {expected}, but it ended with {execution.error}: {cause}"
        elif pipeline_invariants.others_interfere(world):
            return  # with other times between two checks, they come earlier or later
        elif execution.output is None or json.loads(execution.output) != expected["output"]:
            yield f"the case expects {expected}, but it ended with {execution.output} {execution.error}"

    def responses(self, world: PipelineWorld) -> list[str]:
        return [json.dumps({**result.parameters}, default=str) for result in world.results if result.is_final]

    def fault_classes(self, site: Site | None) -> Mapping[str, tuple[Fault, ...]]:
        found = possible_classes(site, is_trigger=site is not None and site.function == TRIGGER)
        if site is not None and (self.case, site.function) == _UNPROTECTED:
            return {name: faults for name, faults in found.items() if name != "stale"}
        return found

    def is_common_start(self, functions: tuple[str, ...]) -> bool:
        """Return whether no task has run yet."""
        return set(functions) == {TRIGGER}


_TRIGGER_SCENARIOS = (
    PipelineScenario(
        "input_file",
        "new_stack",
        {"inputFile": _PATH, "parameters": {"environmentName": "dev"}},
        input_path=_PATH,
    ),
    PipelineScenario("output_artifact", "unchanged", output_artifact=True),
    PipelineScenario("no_progress", "update", settings={"SHOW_PROGRESS": "false"}),
    PipelineScenario("deadline", "busy_stack_never_ends", {"timeoutMinutes": 1}, is_of_trigger=True),
    # It is stopped before it has changed anything, or it ends just before it is stopped.
    PipelineScenario("deadline_at_the_end", "update", {"timeoutMinutes": 1}, is_of_trigger=True),
    *(
        PipelineScenario(f"stopped_in_{name}", case, is_of_trigger=True, stop_in=task, loses_events=is_lost)
        for name, case, task, is_lost in (
            ("create_change_set", "update", "CreateChangeSet", False),
            ("inspect_change_set", "update", "InspectChangeSet", False),
            ("execute_change_set", "update", "ExecuteChangeSet", False),
            ("create_stack", "new_stack_large_template", "CreateStack", False),
            ("delete_change_set", "removal_refused", "DeleteChangeSet", False),
            ("inspect_change_set_event_lost", "update", "InspectChangeSet", True),
        )
    ),
    *(
        PipelineScenario(f"named_action_{case}", case, names_action=True)
        for case in ("update", "new_stack", "failed_stack_rollback_complete", "unchanged_policy")
    ),
    PipelineScenario("express", "unchanged", settings=_EXPRESS, is_of_trigger=True),
    # Deploy refuses it; the Express state machine returns the reference, which the trigger reads.
    PipelineScenario("large_input", "unchanged", large_input=True, settings=LARGE, is_of_trigger=True),
    PipelineScenario(
        "large_output",
        "unchanged",
        {"parameters": {"url": "https://shop"}, "outputVariables": {"Url": "url"}},
        large_input=True,
        settings=_EXPRESS | LARGE,
        is_of_trigger=True,
    ),
)


@functools.cache
def scenarios() -> dict[str, PipelineScenario]:
    """Return the scenarios by name: all deploy cases that have no faults of their own, and the trigger's."""
    found = [PipelineScenario(name, name) for name in case_runner.names() if _is_without_faults(name)]
    return {scenario.name: scenario for scenario in (*found, *_TRIGGER_SCENARIOS)}


def distinct() -> list[str]:
    """Return one scenario for each path and each behavior of CloudFormation: that with the shortest name."""
    found: dict[str, str] = {}
    for name, scenario in sorted(scenarios().items(), key=lambda item: (len(item[0]), item[0])):
        case = case_runner.load(scenario.case)
        differences = [
            case["path"],
            case.get("cloudformation"),
            scenario.user_parameters,
            scenario.settings,
            scenario.output_artifact,
            scenario.stop_in,
            scenario.loses_events,
            scenario.names_action,
            scenario.large_input,
        ]
        found.setdefault(json.dumps(differences), name)
    return sorted(found.values())


def _is_without_faults(name: str) -> bool:
    return name not in _NOT_IN_A_PIPELINE and not any(
        key in case_runner.load(name) for key in _FAULTS_OF_CASES
    )
