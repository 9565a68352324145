"""CodePipeline in memory, as the functions of an Invoke action see it: jobs that take one result each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from stepline.localaws.protocol import AwsError, Params
from tests.fakes.service import FakeService

_MAX_OUTPUT_VARIABLES_BYTES = 122_880  # [model]


@dataclass(eq=False)
class FakeCodePipeline(FakeService):
    """`results`: the parameters of the call with which each job was completed, by job id.

    `trigger` is that of each pipeline execution.
    """

    service_name: ClassVar[str] = "codepipeline"
    open_jobs: set[str] = field(default_factory=set)
    results: dict[str, Params] = field(default_factory=dict)
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

    def _complete(self, params: Params) -> None:
        job_id = params["jobId"]
        if job_id in self.results:
            raise AwsError("The job has a result already", code="InvalidJobStateException")
        if job_id not in self.open_jobs:
            raise AwsError("no such job", code="JobNotFoundException")
        self.results[job_id] = params
