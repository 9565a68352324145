"""A job worker as users write them, with a role of its own, on a running local AWS."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.codepipeline.fakes import zip_of
from tests.localaws.codepipeline.remote import RemotePipeline, new_name
from tests.localaws.codepipeline.workers import config_property, custom_type
from tests.localaws.running_server import Server
from tests.waiting import wait_for

ACCOUNT_ARN = "arn:aws:codepipeline:us-east-1:000000000000"
REPORT_URL = "https://checks.example/{Config:Suite}/runs/{ExternalExecutionId}"


@dataclass
class Worker:
    """Polls for jobs of one type, as the samples of AWS do: acknowledge, work, report, and continue later.

    A job without a token starts a run, whose id becomes the token; the next job ends it. The files of the
    input artifact become those of the output artifact, read and written with the credentials of the job.
    """

    server: Server
    codepipeline: Any
    action_type: Mapping[str, str]

    def poll(self) -> bool:
        """Work on all jobs that there are, and return whether there was one."""
        jobs = self.codepipeline.poll_for_jobs(actionTypeId=self.action_type, maxBatchSize=10)["jobs"]
        for job in jobs:
            status = self.codepipeline.acknowledge_job(jobId=job["id"], nonce=job["nonce"])["status"]
            assert status == "InProgress"
            self._work(job)
        return bool(jobs)

    def _work(self, job: Mapping[str, Any]) -> None:
        data = job["data"]
        token = data.get("continuationToken")
        if token is None:
            run_id = f"run-of-{data['pipelineContext']['pipelineExecutionId']}"
            details = {"externalExecutionId": run_id, "summary": "started", "percentComplete": 10}
            self.codepipeline.put_job_success_result(
                jobId=job["id"], continuationToken=run_id, executionDetails=details
            )
        elif names := self._copy_artifact(data):
            self.codepipeline.put_job_success_result(
                jobId=job["id"],
                executionDetails={"externalExecutionId": token, "percentComplete": 100},
                outputVariables={"Files": ",".join(names)},
            )
        else:
            self.codepipeline.put_job_failure_result(
                jobId=job["id"], failureDetails={"type": "JobFailed", "message": "nothing to check"}
            )

    def _copy_artifact(self, data: Mapping[str, Any]) -> list[str]:
        keys = data["artifactCredentials"]
        s3 = self.server.client(
            "s3",
            aws_access_key_id=keys["accessKeyId"],
            aws_secret_access_key=keys["secretAccessKey"],
            aws_session_token=keys["sessionToken"],
        )
        source, target = (
            data[member][0]["location"]["s3Location"] for member in ("inputArtifacts", "outputArtifacts")
        )
        content = s3.get_object(Bucket=source["bucketName"], Key=source["objectKey"])["Body"].read()
        s3.put_object(Bucket=target["bucketName"], Key=target["objectKey"], Body=content)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.namelist()


def action_type(provider: str) -> dict[str, str]:
    return {"category": "Test", "owner": "Custom", "provider": provider, "version": "1"}


def permissions(provider: str) -> list[dict[str, Any]]:
    """Return the statements that the service authorization reference allows to narrow, and the others."""
    on_jobs = ["AcknowledgeJob", "GetJobDetails", "PutJobSuccessResult", "PutJobFailureResult"]
    return [
        {
            "Effect": "Allow",
            "Action": "codepipeline:PollForJobs",
            "Resource": f"{ACCOUNT_ARN}:actiontype:Custom/Test/{provider}/1",
        },
        {"Effect": "Allow", "Action": [f"codepipeline:{name}" for name in on_jobs], "Resource": "*"},
    ]


def as_role(remote: RemotePipeline, statements: list[dict[str, Any]]) -> Any:
    """Return a client of CodePipeline with the permissions of a new role."""
    name = new_name("worker")
    arn = remote.create_role(name, "ec2", statements)
    trust = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"},
    }
    remote.server.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    keys = remote.server.client("sts").assume_role(RoleArn=arn, RoleSessionName="worker")["Credentials"]
    return remote.server.client(
        "codepipeline",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


@pytest.fixture
def provider(remote: RemotePipeline) -> str:
    """The provider of a custom type, whose name is unique in the server."""
    name = new_name("Checks")
    remote.client.create_custom_action_type(
        **custom_type(
            config_property("Suite", required=True),
            provider=name,
            settings={"executionUrlTemplate": REPORT_URL},
        )
    )
    return name


def check(provider: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": "Check",
        "actionTypeId": action_type(provider),
        "configuration": {"Suite": "smoke"},
        "inputArtifacts": [{"name": "Source"}],
        "outputArtifacts": [{"name": "Report"}],
        "namespace": "check",
        **changes,
    }


def test_worker_runs_an_action_with_the_permissions_that_aws_documents(
    remote: RemotePipeline, provider: str
) -> None:
    remote.create([check(provider)])
    remote.server.client("s3").put_object(
        Bucket=remote.name, Key="source.zip", Body=zip_of({"a.txt": b"1", "b.txt": b"2"})
    )
    remote.execution_id = remote.client.start_pipeline_execution(name=remote.name)["pipelineExecutionId"]
    worker = Worker(remote.server, as_role(remote, permissions(provider)), action_type(provider))

    wait_for(worker.poll)
    result = remote.action("Check")["output"]["executionResult"]
    url = f"https://checks.example/smoke/runs/run-of-{remote.execution_id}"
    assert result["externalExecutionUrl"] == url
    wait_for(worker.poll)
    wait_for(lambda: remote.status() != "InProgress")

    assert remote.status() == "Succeeded"
    assert remote.variables("Check") == {"Files": "a.txt,b.txt"}
    assert remote.files("Check") == {"a.txt": b"1", "b.txt": b"2"}


def test_worker_of_another_type_is_denied(remote: RemotePipeline, provider: str) -> None:
    codepipeline = as_role(remote, permissions(provider))
    with pytest.raises(ClientError, match="not authorized to perform: codepipeline:PollForJobs") as error:
        codepipeline.poll_for_jobs(actionTypeId=action_type("Others"))
    assert f"{ACCOUNT_ARN}:actiontype:Custom/Test/Others/1" in str(error.value)


def test_type_is_created_and_deleted_with_permissions_on_its_arn(
    remote: RemotePipeline, provider: str
) -> None:
    arn = f"{ACCOUNT_ARN}:actiontype:Custom/Test/{provider}-*/1"
    actions = [f"codepipeline:{name}" for name in ("CreateCustomActionType", "DeleteCustomActionType")]
    codepipeline = as_role(remote, [{"Effect": "Allow", "Action": actions, "Resource": arn}])

    codepipeline.create_custom_action_type(**custom_type(provider=f"{provider}-own"))
    codepipeline.delete_custom_action_type(category="Test", provider=f"{provider}-own", version="1")
    with pytest.raises(ClientError, match="not authorized to perform: codepipeline:DeleteCustomActionType"):
        codepipeline.delete_custom_action_type(category="Test", provider=provider, version="1")
