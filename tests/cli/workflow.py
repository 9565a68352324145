"""A pipeline whose Deploy action runs a state machine, all in this process and on a clock that tests move."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3

from stepline.aws.polling import Polling
from stepline.aws.target import LOCAL_REGION, Target, local_session
from stepline.localaws.protocol import in_process_client
from tests.in_process_functions import InProcessFunctions
from tests.localaws.codepipeline.fakes import Job, World, lambda_action, stage
from tests.localaws.stepfunctions.service import build_stepfunctions

ENDPOINT = "http://127.0.0.1:4566"

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


@dataclass
class Answers:
    """A client whose operations answer what the test says; an exception is raised."""

    answers: Mapping[str, Any]

    def __getattr__(self, operation: str) -> Any:
        answer = self.answers[operation]

        def call(**params: Any) -> Any:
            result = answer(params) if callable(answer) else answer
            if isinstance(result, Exception):
                raise result
            return result

        return call

    def get_paginator(self, operation: str) -> Any:
        call = getattr(self, operation)
        return type(
            "Paginator", (), {"paginate": staticmethod(lambda **params: (call(**params) for _ in range(1)))}
        )()


class Workflow:
    """`machine`: the definition that the Deploy action runs; `functions`: handlers of its tasks."""

    def __init__(self, machine: Mapping[str, Any], functions: Mapping[str, Any] | None = None) -> None:
        self.world = World()
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
        """The target of a command: these services, and `clients` beside them."""
        known = {"codepipeline": self.world.client, "stepfunctions": self.stepfunctions, **clients}
        return target_of(**known)

    def new_polling(self, *, timeout_seconds: float | None = None, **_settings: Any) -> Polling:
        """Sleeping moves the clock of the services, so that they go on meanwhile."""
        clock = self.world.clock
        return Polling(1.0, timeout_seconds, clock.advance, lambda: clock.now().timestamp())

    def _trigger(self, job: Job) -> None:
        """What the trigger Lambda does, at its shortest."""
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


def target_of(*, is_local: bool = True, session: boto3.Session | None = None, **clients: Any) -> Target:
    endpoint = ENDPOINT if is_local else None
    session = session or local_session(LOCAL_REGION)
    known = {name.rstrip("_"): client for name, client in clients.items()}  # lambda_ is no keyword
    return Target(session, endpoint, LOCAL_REGION, None, is_local, None, known)
