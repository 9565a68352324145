"""One pipeline whose Deploy action is the custom action: its worker, and the events that wake it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from stepline.deployment.template import read_template
from stepline.localaws.events import AwsEvent
from tests.faults.network import Network
from tests.faults.pipeline_parts import WORKER, Source
from tests.faults.pipeline_world import EXECUTION_PREFIX
from tests.faults.schedule import Schedule
from tests.faults.trigger_function import TEMPLATE
from tests.faults.worker_world import ACTION_TYPE, WorkerWorld, is_matched_by


class CustomActionWorld(WorkerWorld):
    """`sweep_seconds`: between two sweeps, while the pipeline runs."""

    def __init__(
        self,
        network: Network,
        schedule: Schedule,
        *,
        configuration: Mapping[str, str],
        settings: Mapping[str, str] | None = None,
        output_artifact: bool = False,
        continuation_seconds: float = 1,
        sweep_seconds: float = 1800,
    ) -> None:
        self.continuation_seconds = continuation_seconds
        self.sweep_seconds = sweep_seconds
        super().__init__(network, schedule, source=Source(), output_artifact=output_artifact)
        self._names_action = True  # by the worker itself
        self.deploy_worker(settings or {})
        self.codepipeline.create_custom_action_type(_action_type_definition())
        _, deploy = (stage["actions"][0] for stage in self._declaration["stages"])
        deploy["actionTypeId"] = {**ACTION_TYPE.id}
        deploy["configuration"] = dict(configuration)

    def start_pipeline(self) -> str:
        self._schedule_sweep()
        return super().start_pipeline()

    # ---------------------------------------------------------------- events

    def wakes_the_worker(self, event: AwsEvent) -> bool:
        return is_matched_by("ActionChanged", event) or is_matched_by("ExecutionEnded", event)

    def _schedule_sweep(self) -> None:
        self.clock.call_later(self.sweep_seconds, self._sweep_jobs)

    def _sweep_jobs(self) -> None:
        self.deliver({"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}})
        if any(item["status"] in {"InProgress", "Stopping"} for item in self.pipeline_executions):
            self._schedule_sweep()

    def late_events(self) -> list[tuple[str, Any]]:
        """Return the events of the actions that have begun."""
        started = [event for event in self.events if event.detail.get("state") == "STARTED"]
        return [
            (WORKER, {"detail-type": event.detail_type, "detail": dict(event.detail)})
            for event in started
            if self.wakes_the_worker(event)
        ]

    # ---------------------------------------------------------------- what happened

    @property
    def first_events(self) -> list[Any]:
        """What names the first job of each action."""
        first: dict[str, str] = {}
        for job_id, action in self.jobs_of_actions.items():
            first.setdefault(action, job_id)
        return [{"CodePipeline.job": {"id": job_id}} for job_id in first.values()]

    def execution_of(self, job_id: str) -> Any:
        """Return the execution of the job's action: its own, or that of an earlier attempt."""
        own = super().execution_of(job_id)
        others = [execution for execution in self.executions if execution.redrive_count]
        return own or (others[0] if others else None)

    def _record_start(self, execution: str) -> None:
        assert execution.startswith(EXECUTION_PREFIX)
        if len(self.functions.running) > 1:
            self.started_meanwhile.append(execution)


@functools.cache
def _action_type_definition() -> dict[str, Any]:
    """Return the parameters of CreateCustomActionType, from the template."""
    properties = read_template(TEMPLATE)["Resources"]["ActionType"]["Properties"]
    own = [
        {name[0].lower() + name[1:]: value for name, value in item.items()}
        for item in properties["ConfigurationProperties"]
    ]
    bounds = {
        kind: {
            name[0].lower() + name[1:]: value for name, value in properties[f"{kind}ArtifactDetails"].items()
        }
        for kind in ("Input", "Output")
    }
    return {
        "category": ACTION_TYPE.category,
        "provider": ACTION_TYPE.provider,
        "version": ACTION_TYPE.version,
        "configurationProperties": own,
        "inputArtifactDetails": bounds["Input"],
        "outputArtifactDetails": bounds["Output"],
    }
