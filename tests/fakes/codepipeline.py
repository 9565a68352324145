"""CodePipeline in memory, as functions see it: jobs that take one result each."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from stepline.localaws.protocol import AwsError, Params
from tests.fakes.service import FakeService

_MAX_OUTPUT_VARIABLES_BYTES = 122_880  # [model]


@dataclass(eq=False)
class FakeCodePipeline(FakeService):
    """`results`: the parameters of the call with which each job was completed, by job id.

    `actions`: the action executions, as they are listed. `trigger` is that of each pipeline execution.
    """

    service_name: ClassVar[str] = "codepipeline"
    open_jobs: set[str] = field(default_factory=set)
    results: dict[str, Params] = field(default_factory=dict)
    actions: list[Params] = field(default_factory=list)
    trigger: Params = field(default_factory=dict)

    def get_pipeline_execution(self, *, pipelineName: str, pipelineExecutionId: str) -> Params:
        return {"pipelineExecution": {"pipelineName": pipelineName, "trigger": self.trigger}}

    def put_job_success_result(self, **params: Any) -> None:
        if "outputVariables" in params and "continuationToken" in params:
            raise AwsError("output variables cannot go with a continuation token", code="ValidationException")
        variables = params.get("outputVariables", {})
        size = sum(len(name) + len(value.encode()) for name, value in variables.items())
        if size > _MAX_OUTPUT_VARIABLES_BYTES:
            raise AwsError("too large", code="OutputVariablesSizeExceededException")
        self._complete(params)

    def put_job_failure_result(self, **params: Any) -> None:
        self._complete(params)

    def list_action_executions(self, *, filter: Params, **_params: Any) -> Params:  # noqa: A002 - AWS's name
        wanted = filter["pipelineExecutionId"]
        return {
            "actionExecutionDetails": [each for each in self.actions if each["pipelineExecutionId"] == wanted]
        }

    def _complete(self, params: Params) -> None:
        job_id = params["jobId"]
        if job_id in self.results:
            raise AwsError("The job has a result already", code="InvalidJobStateException")
        if job_id not in self.open_jobs:
            raise AwsError("no such job", code="JobNotFoundException")
        self.results[job_id] = params


@dataclass
class CustomJob:
    """`document`: as PollForJobs and GetJobDetails return it, without the nonce."""

    document: dict[str, Any]
    attempt: Attempt
    nonce: str = field(default_factory=lambda: uuid.uuid4().hex)
    is_acknowledged: bool = False


@dataclass
class Attempt:
    """A run of the action. `id` is that of the action execution."""

    id: str
    status: str = "InProgress"
    started: datetime = field(default_factory=lambda: datetime.fromtimestamp(0, UTC))
    external_id: str | None = None


@dataclass(eq=False)
class FakeCustomJobs(FakeCodePipeline):
    """CodePipeline as the worker of a custom action sees it.

    `jobs`: all jobs by id, oldest first. A job with a continuation token follows the one that was continued.
    No job can be polled while it `is_hidden`. The oldest is offered first, or the newest: AWS documents no
    order. `attempts`: the runs of the actions, the oldest first; a first job begins one.
    """

    clock: Callable[[], float] = time.time
    jobs: dict[str, CustomJob] = field(default_factory=dict)
    is_hidden: bool = False
    offers_newest_first: bool = False
    attempts: list[Attempt] = field(default_factory=list)

    def begin(self, document: dict[str, Any]) -> str:
        """Create the first job of an action, and return its id."""
        attempt = Attempt(str(uuid.UUID(int=len(self.attempts) + 1)))
        attempt.started = datetime.fromtimestamp(self.clock(), UTC)
        self.attempts.append(attempt)
        context = document["data"].get("pipelineContext")
        if context is not None:
            context["action"]["actionExecutionId"] = attempt.id
        return self._offer(document, attempt)

    def _offer(self, document: dict[str, Any], attempt: Attempt) -> str:
        job_id = str(uuid.uuid4())
        self.jobs[job_id] = CustomJob({**document, "id": job_id}, attempt)
        return job_id

    def poll_for_jobs(self, *, actionTypeId: dict[str, str], maxBatchSize: int = 1) -> Params:
        waiting = [
            job
            for job in self.jobs.values()
            if not job.is_acknowledged and not self.is_hidden and job.attempt.status == "InProgress"
        ]
        if self.offers_newest_first:
            waiting.reverse()
        return {"jobs": [{**job.document, "nonce": job.nonce} for job in waiting[:maxBatchSize]]}

    def acknowledge_job(self, *, jobId: str, nonce: str) -> Params:
        job = self._job(jobId)
        if nonce != job.nonce:
            raise AwsError("wrong nonce", code="InvalidNonceException")
        job.is_acknowledged = True
        self.open_jobs.add(jobId)
        return {"status": "Succeeded" if jobId in self.results else "InProgress"}

    def get_job_details(self, *, jobId: str) -> Params:
        return {"jobDetails": self._job(jobId).document}

    def list_action_executions(self, **_filter: Any) -> Params:
        first = next(iter(self.jobs.values())).document["data"]
        context = first["pipelineContext"]
        return {
            "actionExecutionDetails": [
                {
                    "actionExecutionId": attempt.id,
                    "stageName": context["stage"]["name"],
                    "actionName": context["action"]["name"],
                    "status": attempt.status,
                    "startTime": attempt.started,
                    "input": {"configuration": first["actionConfiguration"]["configuration"]},
                    "output": {"executionResult": _execution_result(attempt)},
                }
                for attempt in reversed(self.attempts)
            ]
        }

    def _complete(self, params: Params) -> None:
        job = self._job(params["jobId"])
        if job.attempt.status != "InProgress":
            raise AwsError("The action has ended", code="InvalidJobStateException")
        super()._complete(params)
        details = params.get("executionDetails") or params.get("failureDetails") or {}
        job.attempt.external_id = details.get("externalExecutionId", job.attempt.external_id)
        if "continuationToken" in params:
            token = {"continuationToken": params["continuationToken"]}
            self._offer({**job.document, "data": {**job.document["data"], **token}}, job.attempt)
        else:
            job.attempt.status = "Failed" if "failureDetails" in params else "Succeeded"

    def _job(self, job_id: str) -> CustomJob:
        if job_id not in self.jobs:
            raise AwsError("no such job", code="JobNotFoundException")
        return self.jobs[job_id]


def _execution_result(attempt: Attempt) -> dict[str, str]:
    return {} if attempt.external_id is None else {"externalExecutionId": attempt.external_id}
