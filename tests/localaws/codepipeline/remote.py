"""Pipelines of a running local AWS: with an S3 source, and a role that may do everything."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.localaws.codepipeline.fakes import zip_of
from tests.localaws.running_server import Server
from tests.waiting import wait_for

_SECONDS = 60.0
ALLOW_ALL = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]


def new_name(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def action(name: str, action_type: str, configuration: Mapping[str, str], **changes: Any) -> dict[str, Any]:
    """Return an action that takes the source's artifact. `action_type`: as in `Deploy/CloudFormation`."""
    category, provider = action_type.split("/")
    return {
        "name": name,
        "actionTypeId": {"category": category, "owner": "AWS", "provider": provider, "version": "1"},
        "configuration": dict(configuration),
        "inputArtifacts": [{"name": "Source"}],
        **changes,
    }


@dataclass
class RemotePipeline:
    """One pipeline: the stage Source, and a stage for each list of actions."""

    server: Server
    name: str = field(default_factory=lambda: new_name("pipeline"))
    execution_id: str = ""

    def create(
        self,
        *stages: Sequence[Mapping[str, Any]],
        statements: Sequence[Mapping[str, Any]] = (),
        source: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> RemotePipeline:
        """`statements`: of the role. `source`: members that the source action has instead."""
        s3 = self.server.client("s3")
        s3.create_bucket(Bucket=self.name)
        s3.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})
        declared = [[{**self._source(), **(source or {})}], *stages]
        self.client.create_pipeline(
            pipeline={
                "name": self.name,
                "roleArn": self.create_role(self.name, "codepipeline", statements or ALLOW_ALL),
                "artifactStore": {"type": "S3", "location": self.name},
                "pipelineType": "V2",
                "stages": [
                    {"name": f"Stage{number}", "actions": list(actions)}
                    for number, actions in enumerate(declared)
                ],
                **changes,
            }
        )
        return self

    @property
    def client(self) -> Any:
        return self.server.client("codepipeline")

    def run(self, files: Mapping[str, bytes | str], *, expected: str = "Succeeded") -> RemotePipeline:
        """Upload the source, start the pipeline, and wait for the end."""
        content = {name: data.encode() if isinstance(data, str) else data for name, data in files.items()}
        self.server.client("s3").put_object(Bucket=self.name, Key="source.zip", Body=zip_of(content))
        self.execution_id = self.client.start_pipeline_execution(name=self.name)["pipelineExecutionId"]
        wait_for(lambda: self.status() != "InProgress", seconds=_SECONDS)
        assert self.status() == expected, self.errors()
        return self

    def status(self) -> str:
        answer = self.client.get_pipeline_execution(
            pipelineName=self.name, pipelineExecutionId=self.execution_id
        )
        return str(answer["pipelineExecution"]["status"])

    def action(self, name: str) -> dict[str, Any]:
        """Return the action's latest entry of ListActionExecutions."""
        answer = self.client.list_action_executions(
            pipelineName=self.name, filter={"pipelineExecutionId": self.execution_id}
        )
        found = (item for item in answer["actionExecutionDetails"] if item["actionName"] == name)
        return dict(next(found))

    def variables(self, name: str) -> dict[str, str]:
        return dict(self.action(name)["output"].get("outputVariables", {}))

    def error(self, name: str) -> str:
        return str(self.action(name)["output"]["executionResult"]["errorDetails"]["message"])

    def errors(self) -> list[str]:
        answer = self.client.list_action_executions(pipelineName=self.name)
        return [
            item["output"]["executionResult"].get("errorDetails", {}).get("message", "")
            for item in answer["actionExecutionDetails"]
            if item["status"] == "Failed"
        ]

    def files(self, name: str) -> dict[str, bytes]:
        """Return the files of the action's output artifact."""
        place = self.action(name)["output"]["outputArtifacts"][0]["s3location"]
        body = self.server.client("s3").get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return {member: archive.read(member) for member in archive.namelist()}

    def create_role(self, name: str, service: str, statements: Sequence[Mapping[str, Any]]) -> str:
        trust = {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Principal": {"Service": f"{service}.amazonaws.com"},
                "Action": "sts:AssumeRole",
            },
        }
        iam = self.server.client("iam")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy)
        return str(role["Arn"])

    def _source(self) -> dict[str, Any]:
        return {
            "name": "Source",
            "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"},
            "configuration": {
                "S3Bucket": self.name,
                "S3ObjectKey": "source.zip",
                "PollForSourceChanges": "false",
            },
            "outputArtifacts": [{"name": "Source"}],
            "namespace": "SourceVariables",
        }
