"""The triggers of a repository notify topics and functions of changed references."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepline.localaws.clock import VirtualClock
from stepline.localaws.codecommit import CodeCommit
from stepline.localaws.context import Context
from stepline.localaws.protocol import in_process_client

TOPIC = "arn:aws:sns:us-east-1:000000000000:pushes"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:on-push"


@dataclass
class Repositories:
    """One repository, `app`, and the notifications of its triggers: ARN and record."""

    client: Any
    clock: VirtualClock
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def put(self, *triggers: dict[str, Any]) -> str:
        answer = self.client.put_repository_triggers(repositoryName="app", triggers=list(triggers))
        return str(answer["configurationId"])

    def commit(self, branch: str, content: str = "1") -> str:
        commit_id = self.client.put_file(
            repositoryName="app", branchName=branch, filePath="a", fileContent=content.encode()
        )["commitId"]
        self.clock.run()
        return str(commit_id)

    def notified(self) -> list[str]:
        return [record["eventTriggerName"] for _, record in self.sent]


@pytest.fixture
def repositories(tmp_path: Path) -> Repositories:
    clock = VirtualClock()
    service = CodeCommit(
        Context(clock, lambda _event: None), directory=tmp_path, base_url="http://127.0.0.1:4566"
    )
    found = Repositories(in_process_client(service), clock)
    service.notify_with(lambda arn, text: found.sent.append((arn, json.loads(text)["Records"][0])))
    found.client.create_repository(repositoryName="app")
    return found


def trigger(name: str, arn: str = TOPIC, **changes: Any) -> dict[str, Any]:
    return {"name": name, "destinationArn": arn, "events": ["all"], **changes}


def test_destination_gets_the_documented_message(repositories: Repositories) -> None:
    configuration = repositories.put(trigger("t", FUNCTION, customData="stack"))
    commit_id = repositories.commit("main")

    ((arn, record),) = repositories.sent
    assert arn == FUNCTION
    assert len(record.pop("eventId")) == 36
    assert record.pop("eventTime").endswith("+0000")
    assert record == {
        "awsRegion": "us-east-1",
        "codecommit": {"references": [{"commit": commit_id, "created": True, "ref": "refs/heads/main"}]},
        "customData": "stack",
        "eventName": "ReferenceChanges",
        "eventPartNumber": 1,
        "eventSource": "aws:codecommit",
        "eventSourceARN": "arn:aws:codecommit:us-east-1:000000000000:app",
        "eventTotalParts": 1,
        "eventTriggerConfigId": configuration,
        "eventTriggerName": "t",
        "eventVersion": "1.0",
        "userIdentityARN": "arn:aws:iam::000000000000:root",
    }


def test_triggers_are_for_their_events_and_branches(repositories: Repositories) -> None:
    repositories.put(
        trigger("all"),
        trigger("created", events=["createReference"]),
        trigger("updated", events=["updateReference", "deleteReference"]),
        trigger("main", branches=["main"]),
    )
    commit_id = repositories.commit("main")
    assert repositories.notified() == ["all", "created", "main"]

    repositories.sent.clear()
    repositories.client.create_branch(repositoryName="app", branchName="dev", commitId=commit_id)
    repositories.client.delete_branch(repositoryName="app", branchName="dev")
    repositories.clock.run()
    assert repositories.notified() == ["all", "created", "all", "updated"]
    deleted = repositories.sent[-1][1]["codecommit"]["references"]
    assert deleted == [{"commit": commit_id, "deleted": True, "ref": "refs/heads/dev"}]


def test_triggers_are_replaced_and_removed(repositories: Repositories) -> None:
    repositories.put(trigger("a"))
    configuration = repositories.put(trigger("b"))
    answer = repositories.client.get_repository_triggers(repositoryName="app")
    assert (answer["configurationId"], answer["triggers"]) == (configuration, [trigger("b")])

    repositories.put()
    repositories.commit("main")
    assert repositories.sent == []


@pytest.mark.parametrize(
    ("triggers", "code"),
    [
        ([trigger(str(number)) for number in range(11)], "MaximumRepositoryTriggersExceededException"),
        ([trigger("a"), trigger("a")], "InvalidRepositoryTriggerNameException"),
        ([trigger("a", branches=[str(n) for n in range(11)])], "MaximumBranchesExceededException"),
        ([trigger("a", events=[])], "RepositoryTriggerEventsListRequiredException"),
        (
            [trigger("a", "arn:aws:sqs:us-east-1:000000000000:q")],
            "InvalidRepositoryTriggerDestinationArnException",
        ),
    ],
)
def test_invalid_triggers_are_refused(
    repositories: Repositories, triggers: list[dict[str, Any]], code: str
) -> None:
    with pytest.raises(ClientError) as caught:
        repositories.put(*triggers)
    assert caught.value.response["Error"]["Code"] == code
