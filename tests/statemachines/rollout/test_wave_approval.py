"""The request for approval of a wave: what people read, and what it does not show."""

from __future__ import annotations

import json
from typing import Any

from statemachines.approvals.limits import MAX_APPROVAL_MINUTES
from statemachines.rollout.limits import MAX_APPROVAL_TARGETS, MAX_TARGETS
from tests.statemachines.rollout.machine import APPROVALS_TABLE, BASE_INPUT, Machine, load_asl, target

FAILING = {"Failure": "Queue failed: it exists"}
PIPELINE = {
    "pipelineName": "app",
    "pipelineExecutionId": "11111111-2222-3333-4444-555555555555",
    "artifacts": [{"revision": "1" * 40}],
}


def request(targets: list[Any], **members: Any) -> tuple[str, str, dict[str, Any], str]:
    """Return subject, message, description and token of a rollout whose request expires."""
    machine = Machine()
    machine.run({**BASE_INPUT, "targets": targets, "waveApproval": {"timeoutMinutes": 60}, **members})
    (message,) = machine.sns.messages
    (item,) = machine.dynamodb.items(APPROVALS_TABLE)
    machine.close()
    description = json.loads(item["request"]["S"])
    return message["Subject"], message["Message"], description, item["taskToken"]["S"]


def test_message_lists_what_the_wave_did_and_what_the_next_one_will_do() -> None:
    targets = [
        target("canary", environmentName="eu"),
        target("first", parameters=FAILING),
        {"name": "home", "stackName": "other"},
        target("last"),
    ]
    subject, text, description, token = request(
        targets, waves=[2, "rest"], toleratedFailures=1, codepipeline=PIPELINE
    )
    lines = text.splitlines()
    account = targets[3]["target"]["roleArn"].split(":")[4]
    assert subject == "Approve the next wave of the rollout? (wave 2 (rest) of 2)"
    assert lines[:8] == [
        "The rollout waits for an approval after wave 1 (2) of 2. The next wave has not begun.",
        "",
        "Wave 1 (2) of 2:",
        "- canary: succeeded",
        "- first: failed (StackUpdateFailedError: Queue failed: it exists)",
        "",
        "After an approval, wave 2 (rest) of 2 deploys:",
        "- home: the stack prod-other in 000000000000/us-east-1",
    ]
    assert f"- last: the stack prod-app in {account}/eu-west-1" in lines
    assert f"  stepline approve {description['id']} --region us-east-1" in lines
    assert f"Commit or revision: {'1' * 40}" in lines
    assert any(line.startswith("Pipeline: app") for line in lines)
    assert any(line.startswith("Expires: 2026-01-01T01:01:") for line in lines)
    assert token
    assert token not in text + json.dumps(description)
    assert description["kind"] == "wave"
    assert description["next"][1] == f"last: the stack prod-app in {account}/eu-west-1"


def test_values_of_parameters_are_not_shown() -> None:
    parameters = {"parameters": {"Seconds": "1", "Failure": "", "Password": "secret-value"}}
    _, text, description, _ = request([target("a"), target("b", **parameters)], **parameters)
    assert "secret-value" not in text + json.dumps(description)


def test_request_of_the_largest_waves_fits() -> None:
    targets = [target(f"{index:03}-{'x' * 20}") for index in range(MAX_TARGETS)]
    _, text, description, _ = request(targets, waves=["50%", "rest"], maxConcurrency=40)
    omitted = MAX_TARGETS // 2 - MAX_APPROVAL_TARGETS
    assert (description["omittedFinished"], description["omittedNext"]) == (omitted, omitted)
    assert text.count(f"- and {omitted} more") == 2
    assert len(json.dumps(description).encode()) < 100_000  # of 400 KB of an item


def test_stopped_rollout_cannot_be_approved() -> None:
    machine = Machine()
    machine.approvers.answers = [{"after": 60, "decision": "approve"}]
    with machine.connected():
        arn = machine.start({**BASE_INPUT, "targets": [target("a"), target("b")], "waveApproval": True})
        machine.clock.run(until=lambda: bool(machine.sns.messages))
        machine.stepfunctions.stop_execution(executionArn=arn)
        machine.clock.run(max_steps=1_000)
    assert machine.approvers.results == [
        "ApprovalRefusedError: The deployment does not wait any more: its execution is ABORTED."
    ]
    machine.close()


def test_execution_has_time_for_the_longest_approval() -> None:
    assert load_asl()["TimeoutSeconds"] > MAX_APPROVAL_MINUTES * 60
