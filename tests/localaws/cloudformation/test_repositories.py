"""AWS::CodeCommit::Repository with the properties Code and Triggers."""

from __future__ import annotations

import io
import json
import uuid
import zipfile

import pytest

from tests.localaws.cloudformation.deployments import Deployment, resources
from tests.localaws.running_server import Server
from tests.waiting import wait_for


@pytest.fixture
def bucket(server: Server) -> str:
    """A bucket with `source.zip`: 101 files and an executable one, and `text`, which is no zip."""
    name = f"source-{uuid.uuid4().hex[:8]}"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for number in range(101):
            archive.writestr(f"docs/{number}.txt", str(number))
        executable = zipfile.ZipInfo("build.sh")
        executable.external_attr = 0o755 << 16
        archive.writestr(executable, "#!/bin/sh")
    s3 = server.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="source.zip", Body=content.getvalue())
    s3.put_object(Bucket=name, Key="text", Body=b"x")
    return name


def code(bucket: str, key: str, **others: str) -> dict[str, object]:
    return {"Code": {"S3": {"Bucket": bucket, "Key": key}, **others}}


def test_new_repository_has_the_files_of_the_zip(server: Server, deployment: Deployment, bucket: str) -> None:
    properties = {"RepositoryName": deployment.name, **code(bucket, "source.zip", BranchName="trunk")}
    deployment.create(resources(Repository=("AWS::CodeCommit::Repository", properties)))

    codecommit = server.client("codecommit")
    metadata = codecommit.get_repository(repositoryName=deployment.name)["repositoryMetadata"]
    root = codecommit.get_folder(repositoryName=deployment.name, folderPath="/")
    docs = codecommit.get_folder(repositoryName=deployment.name, folderPath="docs")
    assert metadata["defaultBranch"] == "trunk"
    assert [(item["relativePath"], item["fileMode"]) for item in root["files"]] == [
        ("build.sh", "EXECUTABLE")
    ]
    assert len(docs["files"]) == 101


@pytest.mark.parametrize(("key", "reason"), [("missing.zip", "does not exist"), ("text", "is not a zip")])
def test_unreadable_code_fails_the_resource(
    deployment: Deployment, bucket: str, key: str, reason: str
) -> None:
    properties = {"RepositoryName": deployment.name, **code(bucket, key)}
    reasons = deployment.create_failing(resources(Repository=("AWS::CodeCommit::Repository", properties)))
    assert any(reason in item for item in reasons)


def test_triggers_notify_the_topic(server: Server, deployment: Deployment) -> None:
    trigger = {
        "Name": "pushes",
        "CustomData": {"Ref": "AWS::StackName"},
        "DestinationArn": {"Ref": "Topic"},
        "Events": ["all"],
    }
    properties = {"RepositoryName": deployment.name, "Triggers": [trigger]}
    subscription = {"Protocol": "sqs", "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]}}
    deployment.create(
        resources(
            Queue=("AWS::SQS::Queue", {"QueueName": deployment.name}),
            Topic=("AWS::SNS::Topic", {"Subscription": [subscription]}),
            Repository=("AWS::CodeCommit::Repository", properties),
        )
    )
    server.client("codecommit").put_file(
        repositoryName=deployment.name, branchName="main", filePath="a", fileContent=b"1"
    )

    sqs = server.client("sqs")
    url = sqs.get_queue_url(QueueName=deployment.name)["QueueUrl"]
    received: list[dict[str, str]] = []

    def receive() -> bool:
        received.extend(sqs.receive_message(QueueUrl=url).get("Messages", []))
        return bool(received)

    wait_for(receive)
    (record,) = json.loads(json.loads(received[0]["Body"])["Message"])["Records"]
    assert (record["eventTriggerName"], record["customData"]) == ("pushes", deployment.name)
