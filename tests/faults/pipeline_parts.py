"""What the simulated pipeline consists of: its declaration, its source, and its Express state machine."""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stepline.core.local_aws import ACCOUNT_ID, DEFAULT_REGION
from stepline.localaws.clock import VirtualClock
from stepline.localaws.codepipeline import Revision
from tests.statemachines.deploy.machine import Arns, artifact

PIPELINE = "stepline"
ARTIFACT_BUCKET = "artifacts"
TRIGGER = "trigger"
WORKER = "worker"
OPEN_JOBS_TABLE = "open-jobs"
CLEAN_UP = "CleanUp"
MACHINE = f"arn:aws:states:{DEFAULT_REGION}:{ACCOUNT_ID}:stateMachine:deploy"
EXPRESS_MACHINE = f"arn:aws:states:{DEFAULT_REGION}:{ACCOUNT_ID}:stateMachine:quick"
EXPRESS_TASK = "Work"
LARGE_DATA_BUCKET = "large-data"
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/any"

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


@dataclass
class Source:
    """A source action whose artifact has the files that were pushed."""

    files: dict[str, str | bytes] = field(default_factory=dict)

    def latest(self, configuration: Mapping[str, str], *, overrides: Mapping[str, str]) -> Revision:
        return Revision(id="1" * 40, summary="A change", created=VirtualClock().now(), url="", variables={})

    def fetch(self, configuration: Mapping[str, str], revision: Revision) -> Any:
        return io.BytesIO(_archive(tuple(self.files.items())))


@functools.cache
def _archive(files: tuple[tuple[str, str | bytes], ...]) -> bytes:
    """Return the archive; most schedules of a scenario have the same."""
    return artifact(dict(files))


def express_definition(functions: Arns) -> str:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": functions.arn(EXPRESS_TASK), "Payload.$": "$"},
        "OutputPath": "$.Payload",
        "End": True,
    }
    return json.dumps({"StartAt": "Work", "States": {"Work": task}})


def pipeline_declaration(
    user_parameters: str | None = None,
    *,
    output_artifact: bool = False,
    name: str = PIPELINE,
    repository: str = "app",
    execution_mode: str = "QUEUED",
) -> dict[str, Any]:
    source = {**_SOURCE, "configuration": {"RepositoryName": repository, "BranchName": "main"}}
    configuration = {"FunctionName": TRIGGER}
    if user_parameters is not None:
        configuration["UserParameters"] = user_parameters
    outputs = [{"name": "Result"}] if output_artifact else []
    deploy = {**_DEPLOY, "configuration": configuration, "outputArtifacts": outputs}
    return {
        "name": name,
        "roleArn": ROLE,
        "artifactStore": {"type": "S3", "location": ARTIFACT_BUCKET},
        "pipelineType": "V2",
        "executionMode": execution_mode,
        "stages": [{"name": "Source", "actions": [source]}, {"name": "Deploy", "actions": [deploy]}],
    }
