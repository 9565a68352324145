"""Starts an action with the provider of its type, and ends it when its time is up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from stepline.core.aws_errors import AWS_FAILURES
from stepline.core.failure_types import FailureType
from stepline.localaws.codepipeline.action_type_registry import ActionTypes
from stepline.localaws.codepipeline.action_types import ProviderContext
from stepline.localaws.codepipeline.artifacts import actor_of, copy_to_region
from stepline.localaws.codepipeline.clients import ServiceClients
from stepline.localaws.codepipeline.execution_flow import ExecutionFlow
from stepline.localaws.codepipeline.job_queue import JobQueue
from stepline.localaws.codepipeline.jobs import Jobs
from stepline.localaws.codepipeline.models import ActionExecution
from stepline.localaws.codepipeline.results import ActionResult
from stepline.localaws.codepipeline.runtime import Runtime
from stepline.localaws.codepipeline.sources import Source
from stepline.localaws.iam import acting_as

_TIMER = "action"
_SECONDS_PER_MINUTE = 60


class ActionProviders:
    """`flow` moves executions; `jobs` takes the results of functions and job workers, which poll `queue`.

    `types` are the action types.
    """

    def __init__(self, runtime: Runtime, clients: ServiceClients, sources: Mapping[str, Source]) -> None:
        self._runtime = runtime
        self._clients = clients
        self.flow = ExecutionFlow(
            runtime, run_action=self._run, abandon_action=self._abandon, drop_jobs=self._drop_jobs
        )
        self.jobs = Jobs(runtime, self.flow)
        self.queue = JobQueue(runtime, self.jobs)
        context = ProviderContext(
            runtime=runtime,
            flow=self.flow,
            jobs=self.jobs,
            queue=self.queue,
            clients=clients,
            sources=sources,
        )
        self.types = ActionTypes(context)

    def _run(self, action: ActionExecution) -> None:
        seconds = self._timeout_seconds(action)
        with self._runtime.transaction():
            if not action.in_progress:
                return
            if self.types.find(action.declaration.type) is None:
                self.flow.finish_action(action, _deleted_type(action))
                return
            action.set_timer(_TIMER, self._runtime.later(seconds, partial(self._time_out, action, seconds)))
        with self.flow.fail_on_error(action):
            if self._copy_inputs(action):
                self.types.provider(action.declaration.type).start(action)

    def _copy_inputs(self, action: ActionExecution) -> bool:
        """Copy input artifacts of other regions to the artifact store of the action's region.

        Return whether the action can start. https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-create-cross-region.html
        """
        try:
            with acting_as(actor_of(action)):
                inputs = copy_to_region(self._runtime, self._clients, action)
        except AWS_FAILURES as error:
            message = f"The input artifacts could not be copied to the region of the action. Error: {error}"
            self.flow.finish_action(action, ActionResult.failure(FailureType.PERMISSION_ERROR, message))
            return False
        with self._runtime.transaction():
            action.inputs = inputs
        return True

    def _timeout_seconds(self, action: ActionExecution) -> float:
        if action.declaration.timeout_minutes is not None:
            return float(action.declaration.timeout_minutes * _SECONDS_PER_MINUTE)
        return self.types.definition(action.declaration.type).timeout_seconds(self._runtime.settings)

    def _time_out(self, action: ActionExecution, seconds: float) -> None:
        minutes = seconds / _SECONDS_PER_MINUTE
        message = f"The action timed out: it was not complete after {minutes:g} minutes."
        self.flow.finish_action(action, ActionResult.failure(FailureType.JOB_FAILED, message))
        self._abandon(action)

    def _abandon(self, action: ActionExecution) -> None:
        self.types.provider(action.declaration.type).abandon(action)

    def _drop_jobs(self, action: ActionExecution) -> None:
        self.jobs.drop(action)


def _deleted_type(action: ActionExecution) -> ActionResult:
    """Return the failure of an action whose custom type was deleted: no worker could poll for its job."""
    action_type = action.declaration.type
    return ActionResult.failure(
        FailureType.CONFIGURATION_ERROR,
        f"The custom action type {action_type.category} {action_type.provider} {action_type.version} was "
        "deleted. Create the type again, or change the action in the pipeline.",
    )
