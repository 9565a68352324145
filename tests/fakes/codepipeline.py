"""CodePipeline in memory, as functions see it: jobs that take one result each."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any, ClassVar

from stepline.localaws.protocol import AwsError, Params
from tests.fakes.service import FakeService

_MAX_OUTPUT_VARIABLES_BYTES = 122_880  # [model]


@dataclass(eq=False)
class FakeCodePipeline(FakeService):
    """`results`: the parameters of the call with which each job was completed, by job id.

    `actions`: the action executions, as they are listed.
    """

    service_name: ClassVar[str] = "codepipeline"
    open_jobs: set[str] = field(default_factory=set)
    results: dict[str, Params] = field(default_factory=dict)
    actions: list[Params] = field(default_factory=list)

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
    nonce: str = field(default_factory=lambda: uuid.uuid4().hex)
    is_acknowledged: bool = False


@dataclass(eq=False)
class FakeCustomJobs(FakeCodePipeline):
    """CodePipeline as the worker of a custom action sees it.

    `jobs`: all jobs by id, oldest first. A job with a continuation token follows the one that was continued,
    unless `continues` is false. No job can be polled while it `is_hidden`. `action_status`: of the action.
    """

    jobs: dict[str, CustomJob] = field(default_factory=dict)
    continues: bool = True
    is_hidden: bool = False
    action_status: str = "InProgress"

    def offer(self, document: dict[str, Any]) -> str:
        """Create a job, and return its id."""
        job_id = str(uuid.uuid4())
        self.jobs[job_id] = CustomJob({**document, "id": job_id})
        return job_id

    def poll_for_jobs(self, *, actionTypeId: dict[str, str], maxBatchSize: int = 1) -> Params:
        waiting = [] if self.is_hidden else [job for job in self.jobs.values() if not job.is_acknowledged]
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

    def end_action(self, status: str) -> None:
        """End the action, whose jobs take no result any more."""
        self.action_status = status
        self.is_hidden = True

    def list_action_executions(self, **_filter: Any) -> Params:
        job = next(iter(self.jobs.values())).document["data"]
        context = job["pipelineContext"]
        reported = [
            item["executionDetails"]["externalExecutionId"]
            for item in self.results.values()
            if "externalExecutionId" in item.get("executionDetails", {})
        ]
        result = {"externalExecutionId": reported[-1]} if reported else {}
        details = {
            "actionExecutionId": str(uuid.UUID(int=1)),
            "stageName": context["stage"]["name"],
            "actionName": context["action"]["name"],
            "status": self.action_status,
            "input": {"configuration": job["actionConfiguration"]["configuration"]},
            "output": {"executionResult": result},
        }
        return {"actionExecutionDetails": [details]}

    def _complete(self, params: Params) -> None:
        if self.action_status != "InProgress":
            raise AwsError("The action has ended", code="InvalidJobStateException")
        super()._complete(params)
        if "continuationToken" in params and self.continues:
            job = self.jobs[params["jobId"]].document
            self.offer({**job, "data": {**job["data"], "continuationToken": params["continuationToken"]}})

    def _job(self, job_id: str) -> CustomJob:
        if job_id not in self.jobs:
            raise AwsError("no such job", code="JobNotFoundException")
        return self.jobs[job_id]
