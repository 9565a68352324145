"""The Lambda invoke action: one job after another until the function reports the end.

The event is that of https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-Lambda.html.
It holds credentials, so it is never logged or stored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from stepline.core.aws_errors import AWS_FAILURES, AwsFailure, FailureKind, classify
from stepline.core.failure_types import FailureType
from stepline.localaws.codepipeline.action_types import ActionTypeDefinition, ProviderContext, aws_type
from stepline.localaws.codepipeline.artifacts import actor_of, artifact_document
from stepline.localaws.codepipeline.async_invocation import AsynchronousInvoker
from stepline.localaws.codepipeline.credentials import job_credentials, no_credentials
from stepline.localaws.codepipeline.declarations import ArtifactStore
from stepline.localaws.codepipeline.jobs import JobTimeout
from stepline.localaws.codepipeline.models import ActionExecution, Credentials, Job
from stepline.localaws.codepipeline.results import ActionResult


class LambdaInvokeAction:
    def __init__(self, context: ProviderContext) -> None:
        self._runtime = context.runtime
        self._flow = context.flow
        self._clients = context.clients
        self._jobs = context.jobs
        self._invoker = AsynchronousInvoker(
            context.runtime, context.clients.lambda_, context.clients.on_dropped_event
        )

    def start(self, action: ActionExecution) -> None:
        """Start the action's first job. Called outside transactions, because it invokes the function."""
        with self._runtime.transaction():
            action.external_url = self._function_url(action.resolved_configuration["FunctionName"])
        self._start_job(action, None)

    def abandon(self, action: ActionExecution) -> None:
        """Do nothing: no job of an action that has ended takes a result, and the function runs on."""

    def next_job(self, action: ActionExecution, token: str) -> None:
        with self._flow.fail_on_error(action):
            self._start_job(action, token)

    def execution_url(self, action: ActionExecution, external_id: str | None) -> None:
        """Return None: the page is that of the function."""

    def _start_job(self, action: ActionExecution, token: str | None) -> None:
        store = action.execution.declaration.store(action.declaration.region or self._runtime.region)
        try:
            credentials = job_credentials(self._clients, action, store)
        except AWS_FAILURES as error:
            self._flow.finish_action(action, no_credentials(action, error))
            return
        job = Job(id=self._runtime.new_id(), action=action, continuation_token=token, credentials=credentials)
        if not self._jobs.open(job, self, timeout=self._timeout(action)):
            return
        event = job_event(job, credentials, store, account_id=self._runtime.account_id)
        self._invoker.invoke(
            action.resolved_configuration["FunctionName"],
            json.dumps(event, ensure_ascii=False).encode(),
            actor=actor_of(action),
            on_refusal=partial(self._fail_invocation, action),
        )

    def _timeout(self, action: ActionExecution) -> JobTimeout:
        function = action.resolved_configuration["FunctionName"]
        return JobTimeout(
            seconds=self._runtime.settings.job_timeout_seconds,
            message=f"The AWS Lambda function {function} failed to return a result. Check the function to "
            "verify that it has permission to call the PutJobSuccessResult action and that it made a call to "
            "PutJobSuccessResult.",
        )

    def _fail_invocation(self, action: ActionExecution, error: AwsFailure) -> None:
        function = action.resolved_configuration["FunctionName"]
        kind = classify(error)
        if kind is FailureKind.MISSING:
            result = ActionResult.failure(
                FailureType.CONFIGURATION_ERROR,
                f"The AWS Lambda function {function} could not be found in region {self._runtime.region}. "
                "Check the FunctionName in the action's configuration.",
            )
        elif kind is FailureKind.PERMISSION:
            result = ActionResult.failure(
                FailureType.PERMISSION_ERROR,
                "The provided role does not have sufficient permissions to invoke the AWS Lambda function "
                f"{function}: it needs lambda:InvokeFunction. Error: {error}",
            )
        else:
            result = ActionResult.failure(
                FailureType.JOB_FAILED, f"The AWS Lambda function {function} was not invoked. Error: {error}"
            )
        self._flow.finish_action(action, result)

    def _function_url(self, function_name: str) -> str:
        region = self._runtime.region
        name = function_name.rpartition(":function:")[2]
        return f"https://console.aws.amazon.com/lambda/home?region={region}#/functions/{name}"


def job_event(job: Job, credentials: Credentials, store: ArtifactStore, *, account_id: str) -> dict[str, Any]:
    """Return the event that the function is invoked with; token and encryption key only if there are any."""
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


def _entity_url(configuration: Mapping[str, str], region: str) -> str:
    console = f"https://{region}.console.aws.amazon.com"
    return f"{console}/lambda/home?region={region}#/functions/{configuration['FunctionName']}"


DEFINITION = ActionTypeDefinition(
    type=aws_type("Invoke", "Lambda"),
    inputs=(0, 5),
    outputs=(0, 5),
    required=("FunctionName",),
    optional=("UserParameters",),
    provider=LambdaInvokeAction,
    entity_url=_entity_url,
    timeout_seconds=lambda settings: settings.lambda_timeout_seconds,
)
