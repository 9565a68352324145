"""Actions of custom types: their jobs wait for a job worker, until one reports the end.

https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-create-custom-action.html.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Final

from stepline.core.executions.arns import ExecutionArn
from stepline.core.local_aws import CONSOLE_URL_VARIABLE
from stepline.localaws.codepipeline.action_types import Configuration, ProviderContext
from stepline.localaws.codepipeline.models import ActionExecution, Job, JobStatus

ExecutionUrl = Callable[[Configuration, str | None], str | None]
"""Returns the page of an external execution, by the action's configuration and the execution's id."""

_STEP_FUNCTIONS_CONSOLE: Final = "/states/home"


class CustomAction:
    def __init__(self, context: ProviderContext, execution_url: ExecutionUrl) -> None:
        self._runtime = context.runtime
        self._jobs = context.jobs
        self._queue = context.queue
        self._execution_url = execution_url

    def start(self, action: ActionExecution) -> None:
        with self._runtime.transaction():
            action.external_url = self.execution_url(action, None)
        self._runtime.later(self._runtime.settings.queue_seconds, partial(self._add_job, action, None))

    def abandon(self, action: ActionExecution) -> None:
        """Hand out no job of the action any more; one that a worker has takes no result."""
        with self._runtime.transaction():
            self._queue.discard(action)

    def next_job(self, action: ActionExecution, token: str) -> None:
        self._add_job(action, token)

    def execution_url(self, action: ActionExecution, external_id: str | None) -> str | None:
        url = self._execution_url(action.resolved_configuration, external_id)
        execution = ExecutionArn.parse(external_id or "")
        # AWS's console of Step Functions shows no local execution; the console of the local AWS does.
        if url and execution and _STEP_FUNCTIONS_CONSOLE in url and CONSOLE_URL_VARIABLE in os.environ:
            return execution.link
        return url

    def _add_job(self, action: ActionExecution, token: str | None) -> None:
        job = Job(id=self._runtime.new_id(), action=action, continuation_token=token, status=JobStatus.QUEUED)
        with self._runtime.transaction():
            if self._jobs.open(job, self):
                self._queue.add(job)
