"""An execution that waits: what the pipeline shows, what the worker calls meanwhile, and when it answers."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from stepline.deployment.template import read_template
from stepline.localaws.server import PERMISSIONS_PATH
from tests.end_to_end.local_aws import PROJECT, LocalAws
from tests.end_to_end.test_action_alone import MACHINE, NAME, PIPELINE, World, action
from tests.waiting import wait_for

__all__ = ["action"]  # a fixture

pytestmark = [pytest.mark.xdist_group("local_aws")]

ACTIVITY = "arn:aws:states:us-east-1:000000000000:activity:held"
TASK = {"Type": "Task", "Resource": ACTIVITY, "TimeoutSeconds": 300}
DEFINITION = {
    "StartAt": "Begin",
    "States": {
        "Begin": {**TASK, "Next": "Time Passes"},
        "Time Passes": {"Type": "Wait", "Seconds": 2, "Next": "Finish"},
        "Finish": {**TASK, "End": True},
    },
}
"""The test completes Begin when the worker has left the job, and Finish after the time has passed."""

MAX_ANSWER_TIME = timedelta(seconds=2)
STATUS_EVENT_RULE = "WorkerFunctionExecutionEnded"


@dataclass(frozen=True)
class Waiting:
    """The action alone, in a pipeline whose execution waits for the test."""

    aws: LocalAws

    def start(self) -> str:
        """Start the pipeline, wait until the worker has left the job open, and return the execution's id."""
        started = self.aws.client("codepipeline").start_pipeline_execution(name=PIPELINE)
        table = f"{NAME}-open-jobs"
        wait_for(lambda: any("execution" in item for item in self._scan(table)), lambda: self._scan(table))
        wait_for(self.worker_is_idle, poll_seconds=0.1)
        return str(started["pipelineExecutionId"])

    def _scan(self, table: str) -> list[Any]:
        return list(self.aws.client("dynamodb").scan(TableName=table, ConsistentRead=True)["Items"])

    def worker_is_idle(self) -> bool:
        """Return whether every invocation of the worker has ended."""
        ended = self.invocations("REPORT RequestId")
        return 0 < ended == self.invocations("START RequestId")

    def invocations(self, text: str = "REPORT RequestId") -> int:
        """Return how many invocations of the worker Lambda's own lines in the log show."""
        pages = self.aws.client("logs").get_paginator("filter_log_events")
        found = pages.paginate(logGroupName=f"/aws/lambda/{NAME}-worker", filterPattern=f'"{text}"')
        return sum(event["message"].startswith(text) for page in found for event in page["events"])

    def requests(self) -> Mapping[str, int]:
        """Return the requests that the worker's role has made so far, as the authorization counted them."""
        with urllib.request.urlopen(f"{self.aws.endpoint_url}{PERMISSIONS_PATH}") as response:
            record = json.load(response)
        role = self.resource("WorkerRole")
        assert [denial for denial in record["denials"] if denial["role"] == role] == []
        return {
            f"{grant['policy']} {grant['statement']} {grant['action']} {grant['resource']}": grant["allowed"]
            for grant in record["grants"]
            if grant["role"] == role
        }

    def resource(self, logical_id: str) -> str:
        found = self.aws.client("cloudformation").describe_stack_resource(
            StackName=NAME, LogicalResourceId=logical_id
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def complete_task(self) -> None:
        """Wait for the next task of the execution, and complete it."""
        client = self.aws.client("stepfunctions")
        token = client.get_activity_task(activityArn=ACTIVITY)["taskToken"]
        client.send_task_success(taskToken=token, output='{"rows": 2}')

    def shown(self) -> Any:
        """Return what the pipeline's page shows of the action's last run."""
        state = self.aws.call("codepipeline", "get_pipeline_state", name=PIPELINE)
        (stage,) = (each for each in state["stageStates"] if each["stageName"] == "Migrate")
        return stage["actionStates"][0]["latestExecution"]

    def action_of(self, execution_id: str) -> Any:
        found = self.aws.client("codepipeline").list_action_executions(
            pipelineName=PIPELINE, filter={"pipelineExecutionId": execution_id}
        )
        return next(each for each in found["actionExecutionDetails"] if each["actionName"] == "Migrate")

    def wait_for_answer(self, execution_id: str) -> Any:
        def find() -> Any:
            found = self.action_of(execution_id)
            return None if found["status"] == "InProgress" else found

        return wait_for(find, lambda: f"the action is not answered: {self.shown()}")


@pytest.fixture(scope="module")
def waiting(action: LocalAws) -> Iterator[Waiting]:
    action.client("stepfunctions").create_activity(name="held")
    world = World(action)
    world.deploy(json.dumps(_template(), default=str))
    world.commit()
    yield Waiting(action)
    world.clean_up()
    action.client("stepfunctions").delete_activity(activityArn=ACTIVITY)


def _template() -> dict[str, Any]:
    """Return the pipeline of the example, which only the tests start, with a state machine that waits."""
    document = read_template(PROJECT / "examples/cloudformation/pipeline.yaml")
    stages = document["Resources"]["Pipeline"]["Properties"]["Stages"]
    stages[:] = [stage for stage in stages if stage["Name"] != "Test"]
    stages[0]["Actions"][0]["Configuration"]["PollForSourceChanges"] = False
    document["Resources"]["Migration"]["Properties"]["Definition"] = DEFINITION
    return document


def test_waiting_costs_no_call_and_the_end_is_answered_at_once(waiting: Waiting) -> None:
    execution_id = waiting.start()
    requests, invocations = waiting.requests(), waiting.invocations()
    shown = waiting.shown()
    execution_arn = shown["externalExecutionId"]
    assert shown["status"] == "InProgress"
    assert execution_arn.startswith(MACHINE.replace(":stateMachine:", ":execution:"))
    assert shown["externalExecutionUrl"].endswith(f"/executions/{execution_arn}")  # of the local console

    waiting.complete_task()
    states = waiting.aws.client("stepfunctions")
    token = states.get_activity_task(activityArn=ACTIVITY)["taskToken"]  # after two seconds
    assert requests
    assert (waiting.requests(), waiting.invocations()) == (requests, invocations)

    states.send_task_success(taskToken=token, output='{"rows": 2}')
    answered = waiting.wait_for_answer(execution_id)
    assert answered["status"] == "Succeeded"
    assert answered["output"]["outputVariables"] == {"rows": "2"}
    assert waiting.requests() != requests  # the record has what the worker calls
    end = waiting.aws.wait_for_execution(execution_arn)["stopDate"]
    assert timedelta() <= answered["lastUpdateTime"] - end < MAX_ANSWER_TIME


def test_end_whose_event_is_lost_is_answered_by_the_sweep(waiting: Waiting) -> None:
    events, functions = waiting.aws.client("events"), waiting.aws.client("lambda")
    execution_id = waiting.start()
    execution_arn = waiting.shown()["externalExecutionId"]
    events.disable_rule(Name=waiting.resource(STATUS_EVENT_RULE))
    try:
        waiting.complete_task()
        waiting.complete_task()
        assert waiting.aws.wait_for_execution(execution_arn)["status"] == "SUCCEEDED"
        assert waiting.action_of(execution_id)["status"] == "InProgress"
        invocations = waiting.invocations()
        event = {"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}
        swept = functions.invoke(FunctionName=f"{NAME}-worker", Payload=json.dumps(event))
    finally:
        events.enable_rule(Name=waiting.resource(STATUS_EVENT_RULE))
    assert "FunctionError" not in swept
    assert waiting.wait_for_answer(execution_id)["status"] == "Succeeded"
    wait_for(waiting.worker_is_idle, poll_seconds=0.1)
    assert waiting.invocations() == invocations + 1
