"""One pipeline whose Deploy action is the custom action: its worker, and the events that wake it."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest import mock

from pipeline import worker
from pipeline.custom_jobs import ActionType
from pipeline.settings import load_settings
from pipeline.worker_settings import WorkerSettings
from stepline.deployment.template import read_template
from stepline.localaws.events import AwsEvent
from tests.faults.functions import Invocation
from tests.faults.network import Network
from tests.faults.pipeline_parts import MACHINE, OPEN_JOBS_TABLE, Source
from tests.faults.pipeline_world import EXECUTION_PREFIX, PipelineWorld
from tests.faults.schedule import Fault, Schedule
from tests.faults.trigger_function import QUEUED_SECONDS, TEMPLATE

WORKER = "worker"

_ACTION_TYPE = ActionType("Invoke", "Stepline", "1")
_ACTION_CHANGE = "CodePipeline Action Execution State Change"
_EXECUTION_CHANGE = "Step Functions Execution Status Change"
_RETRY_SECONDS = (60, 120)
_DELIVERY_SECONDS = 0.5


class CustomActionWorld(PipelineWorld):
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
        self.functions.handlers = {**self.functions.handlers, WORKER: worker.handler}
        self.functions.timeouts = {**self.functions.timeouts, WORKER: float(_worker_properties()["Timeout"])}
        self._worker = worker.Worker(
            network.trigger,
            load_settings({"STATE_MACHINE_ARN": MACHINE, **(settings or {})}),
            WorkerSettings(_ACTION_TYPE, OPEN_JOBS_TABLE),
            self.function_clock,
            self.clock.advance,
        )
        self.codepipeline.create_custom_action_type(_action_type_definition())
        _, deploy = (stage["actions"][0] for stage in self._declaration["stages"])
        deploy["actionTypeId"] = {**_ACTION_TYPE.id}
        deploy["configuration"] = dict(configuration)

    @contextmanager
    def running_functions(self) -> Iterator[None]:
        with super().running_functions(), mock.patch.object(worker, "_worker", return_value=self._worker):
            yield

    def start_pipeline(self) -> str:
        self._schedule_sweep()
        return super().start_pipeline()

    # ---------------------------------------------------------------- events

    def publish(self, event: AwsEvent) -> None:
        super().publish(event)
        if _wakes_the_worker(event):
            document = {
                "detail-type": event.detail_type,
                "source": event.source,
                "detail": dict(event.detail),
            }
            self.clock.call_later(_DELIVERY_SECONDS, partial(self._deliver, document))

    def _schedule_sweep(self) -> None:
        self.clock.call_later(self.sweep_seconds, self._sweep_jobs)

    def _sweep_jobs(self) -> None:
        self._deliver({"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}})
        if any(item["status"] in {"InProgress", "Stopping"} for item in self.pipeline_executions):
            self._schedule_sweep()

    def _deliver(self, event: dict[str, Any], attempt: int = 0) -> None:
        """Run the worker as Lambda does for an asynchronous event: again if it fails."""
        next_call = len(self.calls) + 1
        if attempt == 0 and self._injections.get(next_call) is Fault.EVENT_LOST:
            del self._injections[next_call]
            return
        if self._injections.get(next_call) is Fault.EVENT_DELAYED:
            del self._injections[next_call]
            self.clock.call_later(QUEUED_SECONDS[Fault.EVENT_DELAYED], partial(self._deliver, event))
            return
        invocation = Invocation(WORKER, event, self.functions.timeouts[WORKER])
        self.functions.run(invocation)
        if invocation.error and attempt < len(_RETRY_SECONDS):
            self.clock.call_later(_RETRY_SECONDS[attempt], partial(self._deliver, event, attempt + 1))

    def late_events(self) -> list[tuple[str, Any]]:
        """Return the events of the actions that have begun."""
        started = [event for event in self.events if event.detail.get("state") == "STARTED"]
        return [
            (WORKER, {"detail-type": event.detail_type, "detail": dict(event.detail)})
            for event in started
            if _wakes_the_worker(event)
        ]

    # ---------------------------------------------------------------- what happened

    @property
    def open_jobs(self) -> list[Any]:
        """What is left in the worker's table."""
        return self.dynamodb.items(OPEN_JOBS_TABLE)

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


def _wakes_the_worker(event: AwsEvent) -> bool:
    """Return whether a rule of the template matches the event."""
    if event.detail_type == _ACTION_CHANGE:
        wanted = _pattern("ActionChanged")["state"]
        return event.detail["type"]["owner"] == "Custom" and event.detail["state"] in wanted
    if event.detail_type == _EXECUTION_CHANGE:
        wanted = _pattern("ExecutionEnded")["status"]
        return event.detail["name"].startswith(EXECUTION_PREFIX) and event.detail["status"] in wanted
    return False


def _pattern(name: str) -> dict[str, Any]:
    pattern: dict[str, Any] = _worker_properties()["Events"][name]["Properties"]["Pattern"]["detail"]
    return pattern


@functools.cache
def _worker_properties() -> dict[str, Any]:
    properties: dict[str, Any] = read_template(TEMPLATE)["Resources"]["WorkerFunction"]["Properties"]
    return properties


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
        "category": _ACTION_TYPE.category,
        "provider": _ACTION_TYPE.provider,
        "version": _ACTION_TYPE.version,
        "configurationProperties": own,
        "inputArtifactDetails": bounds["Input"],
        "outputArtifactDetails": bounds["Output"],
    }
