"""What stands around the functions: S3, STS, the source of the pipeline, and what is deployed."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from stepline.localaws.clock import VirtualClock
from stepline.localaws.codepipeline import Revision
from tests.faults.network import REGION
from tests.pipeline import fake_s3
from tests.statemachines.fake_client import FakeAwsError
from tests.statemachines.machine import Arns, artifact

ACCOUNT = "000000000000"
PIPELINE = "stepline"
ARTIFACT_BUCKET = "artifacts"
TRIGGER = "trigger"
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:deploy"
EXPRESS_MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:quick"
EXPRESS_TASK = "Work"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"
ARTIFACT_SECRETS = ("ARTIFACT-SECRET-KEY", "ARTIFACT-SESSION-TOKEN")


class S3(fake_s3.FakeS3):
    """With what CodePipeline and CloudFormation do with it themselves."""

    def put_object(self, *, Bucket: str, Key: str, Body: Any, **_rest: Any) -> None:
        self.put(Bucket, Key, Body.read())

    def at(self, url: str) -> bytes:
        bucket, _, key = unquote(urlsplit(url).path).lstrip("/").partition("/")
        host = urlsplit(url).netloc
        if ".s3." in host:
            bucket, key = host.partition(".s3.")[0], f"{bucket}/{key}"
        content = self.objects.get((bucket, key))
        if content is None:
            raise FakeAwsError("ValidationError", "S3 error: The specified key does not exist.")
        return content[0 : len(content)]


@dataclass
class Push:
    """The source action: what was pushed, as a zip."""

    files: dict[str, str | bytes] = field(default_factory=dict)

    def latest(self, configuration: Mapping[str, str], *, overrides: Mapping[str, str]) -> Revision:
        return Revision(id="1" * 40, summary="A change", created=VirtualClock().now(), url="", variables={})

    def fetch(self, configuration: Mapping[str, str], revision: Revision) -> Any:
        return io.BytesIO(artifact(self.files))


class Sts:
    """A new session for every job."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)

    def assume_role(self, **_params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        return {
            "Credentials": {
                "AccessKeyId": f"ASIA{number}",
                "SecretAccessKey": f"{ARTIFACT_SECRETS[0]}-{number}",
                "SessionToken": f"{ARTIFACT_SECRETS[1]}-{number}",
                "Expiration": self._clock.now() + timedelta(hours=1),
            }
        }


def express_definition(functions: Arns) -> str:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": functions.arn(EXPRESS_TASK), "Payload.$": "$"},
        "OutputPath": "$.Payload",
        "End": True,
    }
    return json.dumps({"StartAt": "Work", "States": {"Work": task}})


def pipeline_declaration(user_parameters: str | None, *, output_artifact: bool) -> dict[str, Any]:
    configuration = {"FunctionName": TRIGGER}
    if user_parameters is not None:
        configuration["UserParameters"] = user_parameters
    return {
        "name": PIPELINE,
        "roleArn": ROLE,
        "artifactStore": {"type": "S3", "location": ARTIFACT_BUCKET},
        "pipelineType": "V2",
        "executionMode": "QUEUED",
        "stages": [
            {"name": "Source", "actions": [_SOURCE]},
            {
                "name": "Deploy",
                "actions": [
                    {
                        **_DEPLOY,
                        "configuration": configuration,
                        "outputArtifacts": [{"name": "Result"}] if output_artifact else [],
                    }
                ],
            },
        ],
    }


_SOURCE = {
    "name": "Source",
    "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "CodeCommit", "version": "1"},
    "configuration": {"RepositoryName": "app", "BranchName": "main"},
    "outputArtifacts": [{"name": "SourceOutput"}],
}
_DEPLOY = {
    "name": "Deploy",
    "actionTypeId": {"category": "Invoke", "owner": "AWS", "provider": "Lambda", "version": "1"},
    "inputArtifacts": [{"name": "SourceOutput"}],
    "namespace": "Deploy",
}
