"""A pipeline whose Deploy action runs a state machine, in this process and with a virtual clock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from stepline.aws.polling import Poller
from stepline.aws.target import Target
from stepline.localaws.protocol import in_process_client
from tests.aws.fakes import Answers, target_of
from tests.in_process_functions import InProcessFunctions
from tests.localaws.codepipeline.fakes import COMMIT, Job, World, client_error, lambda_action, stage
from tests.localaws.stepfunctions.service import build_stepfunctions

ONE_STATE = {
    "StartAt": "Create Stack",
    "States": {"Create Stack": {"Type": "Pass", "Result": {"BucketName": "my-bucket"}, "End": True}},
}
WAITING = {
    "StartAt": "Create Stack",
    "States": {
        "Create Stack": {"Type": "Pass", "Next": "Wait"},
        "Wait": {"Type": "Wait", "Seconds": 30, "Next": "Collect Outputs"},
        "Collect Outputs": {"Type": "Pass", "Result": {"BucketName": "my-bucket"}, "End": True},
    },
}


def task(function: str, **fields: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": f"arn:aws:lambda:us-east-1:000000000000:function:{function}",
        **fields,
    }


class LocalPipeline:
    """`machine` is the definition that the Deploy action runs, `functions` are the handlers of its tasks."""

    def __init__(self, machine: Mapping[str, Any], functions: Mapping[str, Any] | None = None) -> None:
        self.world = World()
        self.head: str | None = COMMIT
        """The last commit of the branch that starts the pipeline; None if it does not exist."""
        self.functions = InProcessFunctions(functions or {})
        self.service = build_stepfunctions(self.world.clock, lambda _service: self.functions)
        self.stepfunctions = in_process_client(self.service)
        self.machine_arn: str = self.stepfunctions.create_state_machine(
            name="deploy", definition=json.dumps(machine), roleArn="arn:aws:iam::000000000000:role/machine"
        )["stateMachineArn"]
        self.world.lambda_.functions["trigger"] = self._trigger
        self.world.create(stage("Deploy", lambda_action(namespace="Deploy")))

    def execution_of(self, job: Job) -> str:
        return self.machine_arn.replace(":stateMachine:", ":execution:") + f":{job['id']}"

    def target(self, **clients: Any) -> Target:
        """Return a target for commands with these services and other `clients`."""
        codecommit = Answers({"get_branch": lambda _params: self._branch()})
        known = {
            "codepipeline": self.world.client,
            "stepfunctions": self.stepfunctions,
            "codecommit": codecommit,
            **clients,
        }
        return target_of(**known)

    def new_poller(self, *, timeout_seconds: float | None = None, **_settings: Any) -> Poller:
        """Return a poller that advances the clock of the services instead of sleeping."""
        clock = self.world.clock
        return Poller(1.0, timeout_seconds, clock.advance, lambda: clock.now().timestamp())

    def start_for(self, commit_id: str) -> str:
        """Start an execution of a commit, as a push does, and return its id."""
        revision = {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": commit_id}
        return self.world.start(sourceRevisions=[revision])

    def start_later(self, seconds: float, commit_id: str = COMMIT) -> None:
        def start() -> None:
            self.start_for(commit_id)

        self.world.clock.call_later(seconds, start)

    def _branch(self) -> Any:
        if self.head is None:
            return client_error("BranchDoesNotExistException", "GetBranch")
        return {"branch": {"branchName": "main", "commitId": self.head}}

    def _trigger(self, job: Job) -> None:
        """Answer a job as the trigger function does."""
        arn = job["data"].get("continuationToken")
        if arn is None:
            arn = self.stepfunctions.start_execution(
                stateMachineArn=self.machine_arn, name=job["id"], input="{}"
            )["executionArn"]
        execution = self.stepfunctions.describe_execution(executionArn=arn)
        details = {"externalExecutionId": arn, "summary": execution["status"], "percentComplete": 50}
        if execution["status"] == "RUNNING":
            self.world.succeed(job, continuationToken=arn, executionDetails=details)
        elif execution["status"] == "SUCCEEDED":
            self.world.succeed(job, executionDetails=details, outputVariables=json.loads(execution["output"]))
        else:
            failure = {"type": "JobFailed", "message": "it failed", "externalExecutionId": arn}
            self.world.client.put_job_failure_result(jobId=job["id"], failureDetails=failure)
