"""`stepline approve`, `reject` and `status` for changes of stacks that wait for an approval."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from stepline.aws.target import Target
from stepline.core.approvals import ANSWER_HEADER, NOBODY_CAN_APPROVE
from tests.aws.fakes import Answers, target_of
from tests.cli.approval_requests import ID, description
from tests.cli.conftest import Stepline
from tests.localaws.codepipeline.fakes import World, approval_action, client_error, stage

OTHER_ID = "ba9876543210-2"
MARY = "arn:aws:sts::000000000000:assumed-role/approvers/mary"
TABLES = {"TableNames": ["orders", "stepline-deploy-approvals"]}


class Installation:
    """The table, the function and the executions of a Deploy state machine."""

    def __init__(self, *requests: dict[str, Any], table: str = "stepline-deploy-approvals") -> None:
        self.requests = requests
        self.tables = {"TableNames": ["orders", table]}
        self.status = "RUNNING"
        self.events: list[Any] = []
        self.result: Any = {"id": ID, "status": "APPROVED", "decidedBy": MARY, "decidedAt": "now"}
        self.error: str | None = None
        self.world = World()
        self.world.create(stage("Ask", approval_action("Approve")), name="app", executionMode="SUPERSEDED")

    def target(self, **clients: Any) -> Target:
        scanned = {"Items": [{"request": {"S": json.dumps(each)}} for each in self.requests]}
        return target_of(
            codepipeline=self.world.client,
            dynamodb=clients.get("dynamodb") or Answers({"list_tables": self.tables, "scan": scanned}),
            stepfunctions=Answers({"describe_execution": lambda _params: {"status": self.status}}),
            sts=_Sts(),
            lambda_=clients.get("lambda_") or Answers({"invoke": self._invoke}),
        )

    def _invoke(self, params: dict[str, Any]) -> dict[str, Any]:
        self.events.append((params["FunctionName"], json.loads(params["Payload"])))
        payload = (
            {"errorType": "ApprovalRefusedError", "errorMessage": self.error} if self.error else self.result
        )
        response = {"Payload": io.BytesIO(json.dumps(payload).encode())}
        return {**response, "FunctionError": "Unhandled"} if self.error else response


class _Sts:
    class meta:  # noqa: N801 - boto3's name
        endpoint_url = "https://sts.us-east-1.amazonaws.com"

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": MARY, "Account": "000000000000"}


def test_change_is_approved_by_its_id(stepline: Stepline, use_target: Callable[[Target], None]) -> None:
    installation = Installation(description(), description(OTHER_ID))
    use_target(installation.target())
    result = stepline("approve", ID, "-m", "the queue is empty")
    assert (result.exit_code, result.stdout) == (0, "✓ Approved a change of the stack dev-app\n")
    ((function, event),) = installation.events
    assert function == "stepline-answer-approval"
    proof = event.pop("proof")
    assert event == {"id": ID, "decision": "approve", "reason": "the queue is empty"}
    assert proof.keys() == {"authorization", "date"}
    assert f";{ANSWER_HEADER}," in proof["authorization"]


def wave() -> dict[str, Any]:
    common = {key: value for key, value in description().items() if key not in {"stackName", "resources"}}
    return common | {
        "kind": "wave",
        "executionArn": "arn:aws:states:us-east-1:000000000000:execution:stepline-rollout:release-5",
        "wave": "wave 1 (canary) of 2",
        "nextWave": "wave 2 (rest) of 2",
        "finished": ["canary: succeeded"],
        "omittedFinished": 0,
        "next": ["europe: the stack prod-app in 222222222222/eu-west-1"],
        "omittedNext": 3,
    }


def test_wave_is_shown_and_approved(stepline: Stepline, use_target: Callable[[Target], None]) -> None:
    installation = Installation(wave(), table="stepline-rollout-wave-approvals")
    use_target(installation.target())
    lines = stepline("status").stdout.splitlines()
    assert lines[0].startswith(
        "Wave 2 (rest) of 2 of the rollout release-5 in pipeline app waits for an approval"
    )
    assert lines[1:7] == [
        "  wave 1 (canary) of 2:",
        "    canary: succeeded",
        "  wave 2 (rest) of 2 would deploy:",
        "    europe: the stack prod-app in 222222222222/eu-west-1",
        "    and 3 more",
        "To answer it:",
    ]
    (shown,) = json.loads(stepline("status", "--json").stdout)["approvals"]
    assert (shown["stackName"], shown["resources"]) == (None, [])
    assert shown["wave"]["next"] == {
        "name": "wave 2 (rest) of 2",
        "targets": ["europe: the stack prod-app in 222222222222/eu-west-1"],
        "omittedTargets": 3,
    }
    result = stepline("approve", ID)
    assert (result.exit_code, result.stdout) == (
        0,
        "✓ Approved wave 2 (rest) of 2 of the rollout release-5\n",
    )
    ((function, _event),) = installation.events
    assert function == "stepline-rollout-answer-wave-approval"


@pytest.mark.parametrize(
    ("requester", "expected"),
    [
        (MARY, f"{MARY} cannot approve it."),
        ("", f"Who started the pipeline execution cannot approve it. {NOBODY_CAN_APPROVE}"),
    ],
)
def test_status_says_who_cannot_approve(
    requester: str, expected: str, stepline: Stepline, use_target: Callable[[Target], None]
) -> None:
    installation = Installation({**description(), "notByRequester": True, "requester": requester})
    use_target(installation.target())
    assert expected in " ".join(stepline("status").stdout.split())


def test_only_change_that_waits_is_rejected_with_a_reason(
    stepline: Stepline, use_target: Callable[[Target], None]
) -> None:
    installation = Installation(description())
    use_target(installation.target())
    result = stepline("reject", "app", "--reason", "not before Monday")
    assert (result.exit_code, result.stdout) == (0, "✓ Rejected a change of the stack dev-app\n")
    ((_function, event),) = installation.events
    assert (event["decision"], event["reason"]) == ("reject", "not before Monday")


def test_one_of_both_kinds_must_be_named(stepline: Stepline, use_target: Callable[[Target], None]) -> None:
    installation = Installation(description())
    installation.world.client.start_pipeline_execution(name="app")
    installation.world.clock.advance(5)
    use_target(installation.target())
    result = stepline("approve")
    assert result.stderr.splitlines()[-1] == (
        f"stepline: several approvals wait, name one of them: `{ID}`, `app --stage Ask --action Approve`"
    )
    assert stepline("approve", "app", "--stage", "Ask").exit_code == 0
    assert installation.events == []


@pytest.mark.parametrize("ended", ["expired", "stopped"])
def test_change_that_no_longer_waits_is_not_shown(
    ended: str, stepline: Stepline, use_target: Callable[[Target], None]
) -> None:
    installation = Installation(description(minutes=-1 if ended == "expired" else 1))
    if ended == "stopped":
        installation.status = "ABORTED"
    use_target(installation.target())
    expected = f"stepline: no approval {ID} waits: it was answered, has expired, or was stopped"
    assert stepline("approve", ID).stderr.splitlines()[-1] == expected
    assert "waits for an approval" not in stepline("status").stdout
    assert json.loads(stepline("status", "--json").stdout)["approvals"] == []


def test_refusal_is_shown(stepline: Stepline, use_target: Callable[[Target], None]) -> None:
    installation = Installation(description())
    installation.error = "The change set is not the latest any more"
    use_target(installation.target())
    result = stepline("approve", ID)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "stepline: The change set is not the latest any more"


def test_missing_permission_to_answer_is_explained(
    stepline: Stepline, use_target: Callable[[Target], None]
) -> None:
    denied = Answers({"invoke": client_error("AccessDeniedException", "Invoke")})
    use_target(Installation(description()).target(lambda_=denied))
    expected = "you may not answer a change of the stack dev-app: the policy of the output ApproverPolicyArn"
    assert expected in stepline("approve", ID).stderr


def test_who_may_not_read_requests_can_answer_manual_approvals(
    stepline: Stepline, use_target: Callable[[Target], None]
) -> None:
    installation = Installation()
    installation.world.client.start_pipeline_execution(name="app")
    installation.world.clock.advance(5)
    denied = Answers({"list_tables": client_error("AccessDeniedException", "ListTables")})
    use_target(installation.target(dynamodb=denied))
    assert "Ask / Approve waits" in stepline("status").stdout
    assert stepline("approve").exit_code == 0


def test_status_shows_what_waits_on_top(stepline: Stepline, use_target: Callable[[Target], None]) -> None:
    use_target(Installation(description(), description(OTHER_ID, pipeline="other")).target())
    lines = stepline("status", "app").stdout.splitlines()
    assert lines[0].startswith("A change of the stack dev-app in pipeline app waits for an approval until ")
    assert lines[1:3] == [
        "  Queue (AWS::SQS::Queue) would be replaced, because of property QueueName",
        "To answer it:",
    ]
    assert lines[3].endswith(f"stepline approve {ID}")
    assert lines[4].endswith(f"stepline reject {ID}")
    assert OTHER_ID not in "".join(lines)
    documents = json.loads(stepline("status", "--json").stdout)["approvals"]
    assert [each["id"] for each in documents] == [ID, OTHER_ID]
    assert documents[0]["resources"] == [
        {
            "path": "Queue",
            "type": "AWS::SQS::Queue",
            "effect": "would be replaced",
            "causes": ["property QueueName"],
        }
    ]
    assert documents[0]["requester"] is None
