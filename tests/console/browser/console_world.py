"""The local AWS whose console is tested, and the executions that its pages show."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.end_to_end.local_aws import LocalAws, set_input
from tests.end_to_end.test_deploy import edit
from tests.waiting import wait_for

PIPELINE = "stepline"
_TIMEOUT = "      VisibilityTimeout: !Ref VisibilityTimeoutSeconds\n"


@dataclass(frozen=True)
class Run:
    """An execution of the pipeline, and that of the state machine behind its action."""

    commit: str
    id: str
    arn: str = ""

    @property
    def path(self) -> str:
        return f"/pipelines/{PIPELINE}/executions/{self.id}"


@dataclass
class ConsoleWorld:
    """`address` is the origin of the console. The runs are made when a test needs them first, and kept."""

    local_aws: LocalAws
    address: str
    application: Path

    @cached_property
    def succeeded(self) -> Run:
        """The first run, which creates the stack."""
        return self.run()

    @cached_property
    def refused(self) -> Run:
        """A run that would replace a queue, which is refused."""
        assert self.succeeded
        name = "      QueueName: another-name\n"
        edit(self.application, _TIMEOUT, name + _TIMEOUT)
        try:
            return self.run()
        finally:
            edit(self.application, name + _TIMEOUT, _TIMEOUT)

    def run(self) -> Run:
        """Push the application, and wait for the end."""
        commit = self.local_aws.push(self.application)
        execution_id = self.local_aws.execution_of(commit)
        return Run(commit, execution_id, self.local_aws.outcome(execution_id).execution_arn)

    def push(self) -> Run:
        """Push the application, and wait until the pipeline has started."""
        return self.find(self.local_aws.push(self.application))

    def find(self, commit: str) -> Run:
        """Wait until the pipeline has started for the commit."""
        return Run(commit, wait_for(lambda: self._find(commit), lambda: f"nothing has started for {commit}"))

    def with_arn(self, run: Run) -> Run:
        """Wait until the action has started its state machine."""
        arn = wait_for(lambda: self.local_aws.outcome(run.id).execution_arn, lambda: f"{run} starts nothing")
        return replace(run, arn=arn)

    def push_that_waits(self) -> Run:
        """Push a replacement that has to be approved."""
        set_input(self.application, approval={"timeoutMinutes": 30})
        edit(self.application, _TIMEOUT, "      QueueName: dev-app-approved\n" + _TIMEOUT)
        return self.push()

    def status(self, run: Run) -> str:
        pipelines = self.local_aws.client("codepipeline")
        response = pipelines.get_pipeline_execution(pipelineName=PIPELINE, pipelineExecutionId=run.id)
        return str(response["pipelineExecution"]["status"])

    def wait_for_end(self, run: Run) -> float:
        """Return when the execution has ended, in seconds since 1970, as AWS's API has just said it."""
        wait_for(lambda: self.status(run) != "InProgress", lambda: f"{run} still runs")
        return time.time()

    def _find(self, commit: str) -> str | None:
        pipelines = self.local_aws.client("codepipeline")
        summaries: list[dict[str, Any]] = pipelines.list_pipeline_executions(pipelineName=PIPELINE)[
            "pipelineExecutionSummaries"
        ]
        for summary in summaries:
            if commit in [each.get("revisionId") for each in summary.get("sourceRevisions", [])]:
                return str(summary["pipelineExecutionId"])
        return None
