"""The Lambda invoke action: one job after the other until the function reports an end.

The event is AWS's: https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-Lambda.html.
It holds credentials, so nothing here writes it anywhere.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from stepline.localaws.codepipeline.artifacts import Credentials, actor_of, job_credentials
from stepline.localaws.codepipeline.clients import Clients
from stepline.localaws.codepipeline.core import Core
from stepline.localaws.codepipeline.delivery import AsynchronousInvoker
from stepline.localaws.codepipeline.flow import Flow
from stepline.localaws.codepipeline.jobs import Job, JobBook
from stepline.localaws.codepipeline.models import Artifact, ArtifactStore, FailureType, Outcome
from stepline.localaws.codepipeline.state import ActionExecution

_ACCESS_DENIED = frozenset({"AccessDenied", "AccessDeniedException"})


class LambdaInvokeAction:
    def __init__(self, core: Core, flow: Flow, clients: Clients) -> None:
        self._core = core
        self._flow = flow
        self._clients = clients
        self._invoker = AsynchronousInvoker(core, clients.lambda_)
        self.jobs = JobBook(core, flow, proceed=self._continue)

    def begin(self, action: ActionExecution) -> None:
        """The action's first job. Outside transactions: it runs the function."""
        with self._core.transaction():
            action.external_url = self._function_url(action.resolved_configuration["FunctionName"])
        self._next_job(action, None)

    def _continue(self, action: ActionExecution, token: str) -> None:
        with self._flow.guarded(action):
            self._next_job(action, token)

    def _next_job(self, action: ActionExecution, token: str | None) -> None:
        store = action.execution.declaration.store(self._core.region)
        try:
            credentials = job_credentials(self._clients, action, store)
        except (ClientError, BotoCoreError) as error:
            self._flow.finish_action(action, _no_credentials(action, error))
            return
        job = self.jobs.open(action, self._core.new_id(), token, credentials)
        if job is None:
            return
        event = job_event(job, credentials, store, account_id=self._core.account_id)
        self._invoker.invoke(
            action.resolved_configuration["FunctionName"],
            json.dumps(event, ensure_ascii=False).encode(),
            actor=actor_of(action),
            refused=partial(self._refused, action),
        )

    def _refused(self, action: ActionExecution, error: ClientError | BotoCoreError) -> None:
        function = action.resolved_configuration["FunctionName"]
        code = _code(error)
        if code == "ResourceNotFoundException":
            outcome = Outcome.failure(
                FailureType.CONFIGURATION_ERROR,
                f"The AWS Lambda function {function} could not be found in region {self._core.region}. "
                "Check the FunctionName in the action's configuration.",
            )
        elif code in _ACCESS_DENIED:
            outcome = Outcome.failure(
                FailureType.PERMISSION_ERROR,
                "The provided role does not have sufficient permissions to invoke the AWS Lambda function "
                f"{function}: it needs lambda:InvokeFunction. {_text(error)}",
            )
        else:
            outcome = Outcome.failure(
                FailureType.JOB_FAILED, f"The AWS Lambda function {function} was not invoked. {_text(error)}"
            )
        self._flow.finish_action(action, outcome)

    def _function_url(self, function_name: str) -> str:
        region = self._core.region
        name = function_name.rpartition(":function:")[2]
        return f"https://console.aws.amazon.com/lambda/home?region={region}#/functions/{name}"


def job_event(job: Job, credentials: Credentials, store: ArtifactStore, *, account_id: str) -> dict[str, Any]:
    """What the function is invoked with: the token and the key only if there are any."""
    action = job.action
    data: dict[str, Any] = {
        "actionConfiguration": {"configuration": dict(action.resolved_configuration)},
        "inputArtifacts": [artifact_document(artifact) for artifact in action.inputs],
        "outputArtifacts": [artifact_document(artifact) for artifact in action.outputs],
        "artifactCredentials": {
            "accessKeyId": credentials.access_key_id,
            "secretAccessKey": credentials.secret_access_key,
            "sessionToken": credentials.session_token,
            "expirationTime": int(credentials.expires_at.timestamp() * 1000),
        },
    }
    if job.continuation_token is not None:
        data["continuationToken"] = job.continuation_token
    if store.encryption_key_id is not None:
        data["encryptionKey"] = {"id": store.encryption_key_id, "type": "KMS"}
    return {"CodePipeline.job": {"id": job.id, "accountId": account_id, "data": data}}


def artifact_document(artifact: Artifact) -> dict[str, Any]:
    return {
        "name": artifact.name,
        "revision": artifact.revision,
        "location": {
            "type": "S3",
            "s3Location": {"bucketName": artifact.bucket, "objectKey": artifact.key},
        },
    }


def _no_credentials(action: ActionExecution, error: ClientError | BotoCoreError) -> Outcome:
    role = action.declaration.role_arn or action.execution.declaration.role_arn
    return Outcome.failure(
        FailureType.PERMISSION_ERROR if _code(error) in _ACCESS_DENIED else FailureType.SYSTEM_UNAVAILABLE,
        f"AWS CodePipeline could not assume the role {role}. Check that it exists and that its trust policy "
        f"allows it. {_text(error)}",
    )


def _code(error: ClientError | BotoCoreError) -> str:
    return error.response["Error"].get("Code", "") if isinstance(error, ClientError) else ""


def _text(error: ClientError | BotoCoreError) -> str:
    return f"Error: {error}"
