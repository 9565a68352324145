"""What job workers read: the jobs that they poll for, and the details of one, with credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepline.core.aws_errors import AWS_FAILURES
from stepline.localaws.codepipeline import responses
from stepline.localaws.codepipeline.clients import ServiceClients
from stepline.localaws.codepipeline.credentials import job_credentials, no_credentials
from stepline.localaws.codepipeline.custom_action_type_store import CustomActionTypes
from stepline.localaws.codepipeline.custom_action_types import CUSTOM
from stepline.localaws.codepipeline.declarations import ActionType
from stepline.localaws.codepipeline.models import Credentials, Job
from stepline.localaws.codepipeline.providers import ActionProviders
from stepline.localaws.codepipeline.runtime import Runtime
from stepline.localaws.protocol import ValidationException

Document = dict[str, Any]


class JobWorkers:
    """Call the methods outside transactions, because they assume roles."""

    def __init__(
        self,
        runtime: Runtime,
        providers: ActionProviders,
        custom_types: CustomActionTypes,
        clients: ServiceClients,
    ) -> None:
        self._runtime = runtime
        self._flow = providers.flow
        self._jobs = providers.jobs
        self._queue = providers.queue
        self._custom_types = custom_types
        self._clients = clients

    def poll(self, params: Mapping[str, Any]) -> list[Document]:
        """Return jobs for PollForJobs, with credentials. An action whose role cannot be assumed fails."""
        action_type = ActionType(**params["actionTypeId"])
        if action_type.owner != CUSTOM:
            # The message is that of AWS [github.com/boto/boto3/issues/1100].
            raise ValidationException(f"ActionType with owner '{action_type.owner}' is not supported")
        query = params.get("queryParam", {})
        with self._runtime.transaction():
            _check_query(query, self._custom_types.get(action_type).queryable)
            jobs = self._queue.poll(action_type, limit=params.get("maxBatchSize"), query=query)
            nonces = {job.id: job.nonce for job in jobs}
        found = (self._with_credentials(job) for job in jobs)
        return [{**document, "nonce": nonces[document["id"]]} for document in found if document is not None]

    def details(self, job_id: str) -> Document:
        """Return a job for GetJobDetails, with credentials while it is open. Raises JobNotFoundException."""
        with self._runtime.transaction():
            job = self._jobs.get(job_id)
        if job.credentials is None and job.is_open and (document := self._with_credentials(job)):
            return document
        return self._document(job, job.credentials)

    def _with_credentials(self, job: Job) -> Document | None:
        """Return the job with new credentials, if its action has artifacts [PollForJobs, GetJobDetails]."""
        action = job.action
        if not (action.inputs or action.outputs):
            return self._document(job, None)
        store = action.execution.declaration.store(action.declaration.region or self._runtime.region)
        try:
            return self._document(job, job_credentials(self._clients, action, store))
        except AWS_FAILURES as error:
            self._flow.finish_action(action, no_credentials(action, error))
            return None

    def _document(self, job: Job, credentials: Credentials | None) -> Document:
        with self._runtime.transaction():
            return responses.job(job, self._runtime.region, self._runtime.account_id, credentials)


def _check_query(query: Mapping[str, str], queryable: str | None) -> None:
    if queryable is None and query:
        raise ValidationException(
            "The action type has no queryable configuration property: queryParam must be empty"
        )
    if queryable is not None and set(query) != {queryable}:
        raise ValidationException(
            f"queryParam must have the queryable configuration property '{queryable}' of the action type"
        )
