"""The message that asks for an approval."""

from __future__ import annotations

import json
from typing import Any

from statemachines.approvals.mail import write_mail
from statemachines.approvals.setting import ApprovalSetting
from statemachines.deploy.approval_mail import mail_of
from statemachines.deploy.change_policy import dangerous_changes
from statemachines.deploy.changes_to_approve import changes_to_approve
from statemachines.deploy.resource_changes import ChangeDetail, ResourceChange
from tests.statemachines.deploy import case_runner
from tests.statemachines.deploy.machine import ENVIRONMENT, Machine

MAX_SUBJECT_CHARACTERS = 99  # "Less than 100 characters" [SNS, Publish]
MAX_MESSAGE_BYTES = 262_144
MAX_INPUT_BYTES = 262_144  # of a state
SETTING = ApprovalSetting(is_asked=True, timeout_minutes=60, not_by_requester=False)
WAITS = {
    "stack": {"status": "CREATE_COMPLETE"},
    "resources": {"Queue": {"Properties": {"Name": "secret-value"}}},
    "input": {"approval": {"timeoutMinutes": 1, "notByRequester": True}},
}


def request(machine: Machine, case: dict[str, Any] = WAITS) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the message and the item of a deployment that waits until its end."""
    case_runner.run(machine, case)
    (message,) = machine.sns.messages
    (item,) = machine.dynamodb.items(ENVIRONMENT["APPROVALS_TABLE_ARN"].rpartition("/")[2])
    return dict(message), dict(item)


def test_message_says_what_happens_and_how_to_answer(machine: Machine) -> None:
    message, item = request(machine)
    lines = message["Message"].splitlines()
    assert message["TopicArn"] == ENVIRONMENT["APPROVAL_TOPIC_ARN"]
    assert message["Subject"] == "Approve a change of the stack dev-app?"
    assert lines[0].startswith("The deployment of the stack dev-app waits for an approval")
    assert "- Queue (AWS::SQS::Queue) would be replaced" in lines
    assert f"  stepline approve {item['id']['S']} --region us-east-1" in lines
    assert f'  stepline reject {item["id"]["S"]} --region us-east-1 --reason "why"' in lines
    assert "Started by: unknown: the input does not name the pipeline and its execution" in lines
    assert "Who started the pipeline execution cannot approve this change." in lines
    assert any(line.startswith("Expires: 2026-01-01T00:01:") for line in lines)


def test_message_and_description_have_neither_token_nor_values(machine: Machine) -> None:
    message, item = request(machine)
    token = item["taskToken"]["S"]
    assert token
    for text in (message["Message"], message["Subject"], item["request"]["S"]):
        assert token not in text
        assert "secret-value" not in text


def change(number: int) -> ResourceChange:
    details = tuple(
        ChangeDetail(f"Property{n}" * 20, "Always", "Static", "ParameterReference", "Parameter" * 20)
        for n in range(20)
    )
    return ResourceChange(
        f"{'R' * 250}{number}", "A::B::C" * 20, "Modify", "True", details=details, stack_path="N" * 255 + "/"
    )


def test_request_with_hundreds_of_resources_fits() -> None:
    found = changes_to_approve(dangerous_changes([change(n) for n in range(300)]), SETTING)
    assert (len(found["resources"]), found["omitted"]) == (50, 250)
    assert len(json.dumps(found)) < MAX_INPUT_BYTES / 2
    description = {
        **found,
        **dict.fromkeys(("pipelineName", "stage", "action", "pipelineExecutionId"), "x" * 100),
        "stackName": "s" * 128,
        "id": "0123456789ab-1",
        "kind": "change",
        "notByRequester": False,
        "executionArn": "arn:aws:states:us-east-1:123456789012:execution:deploy:job",
        "changeSetId": "change-set",
        "revision": "1" * 40,
        "requester": "",
        "requesterUnknownBecause": "of a test",
        "expiresAt": "2026-01-01T00:00:00+00:00",
    }
    message = write_mail(description, mail_of(description, description["expiresAt"]))
    assert len(message["Message"].encode()) < MAX_MESSAGE_BYTES
    assert "- and 250 more, which the change set lists" in message["Message"]
    assert "stepline approve 0123456789ab-1" in message["Message"]
    assert message["Subject"].isascii()
    assert len(message["Subject"]) <= MAX_SUBJECT_CHARACTERS


def test_causes_name_properties_and_what_they_come_from() -> None:
    details = (
        ChangeDetail("QueueName", "Always", "Static", "ParameterReference", "Name"),
        ChangeDetail("FifoQueue", "Always", "Static", "DirectModification"),
        ChangeDetail("KmsMasterKeyId", "Never", "Dynamic", "ResourceAttribute", "Key.Arn"),
        ChangeDetail("RedrivePolicy", "Conditionally", "Dynamic", "ResourceAttribute", "Dead.Arn"),
    )
    queue = ResourceChange("Queue", "AWS::SQS::Queue", "Modify", "True", details=details)
    (resource,) = changes_to_approve(dangerous_changes([queue]), SETTING)["resources"]
    assert resource["causes"] == [
        "property QueueName, from the parameter Name",
        "property FifoQueue",
        "property RedrivePolicy, from the attribute Dead.Arn",
    ]
