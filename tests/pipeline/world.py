"""The world of the trigger: AWS services, jobs of CodePipeline, and their results."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.job_event import Credentials
from pipeline.settings import Settings, load_settings
from pipeline.trigger import Trigger
from stepline.core.errors import SettingsError
from stepline.localaws.protocol import Params
from tests.fakes.clients import client_of
from tests.fakes.codepipeline import FakeCodePipeline
from tests.fakes.s3 import FakeS3
from tests.fakes.step_functions import FakeExecution, FakeStepFunctions

EVENTS = Path(__file__).parents[2] / "local_events" / "trigger"
ACCOUNT = "000000000000"
MACHINE = f"arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine:deploy"
EXPRESS = f"arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine:quick"
CLAIMS_BUCKET = "express-claims"
ARTIFACT_BUCKET = "codepipeline-artifacts"
ARTIFACT_KEY = "stepline/SourceOutp/AbCdEf1"
SECRETS = ("SECRET-ACCESS-KEY", "SESSION-TOKEN", "ARTIFACT-KEY-ID")


@dataclass
class LambdaContext:
    """The context object of Lambda, with the members that the handler and Powertools use."""

    remaining_seconds: float = 600
    function_name: str = "trigger"
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 256
    invoked_function_arn: str = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:trigger"
    aws_request_id: str = "00000000-0000-0000-0000-000000000001"

    def get_remaining_time_in_millis(self) -> int:
        return int(self.remaining_seconds * 1000)


@dataclass
class FakeClients:
    """`pipeline.clients.Clients` with fakes behind them.

    The S3 client of artifacts signs with the credentials of the job, the other one with the function's.
    """

    stepfunctions: Any
    codepipeline: Any
    fake_s3: FakeS3
    dynamodb: Any = None
    scheduler: Any = None
    sync_waits: list[float] = field(default_factory=list)
    artifact_credentials: list[Credentials] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.s3 = client_of(self.fake_s3)

    def artifact_s3(self, credentials: Credentials) -> Any:
        self.artifact_credentials.append(credentials)
        return client_of(self.fake_s3, access_key_id=credentials.access_key_id)

    def sync_stepfunctions(self, wait_seconds: float) -> Any:
        self.sync_waits.append(wait_seconds)
        return self.stepfunctions


class World:
    """One account with a Standard and an Express machine, a pipeline's artifact, and a trigger."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.stepfunctions = FakeStepFunctions(clock=lambda: self.now)
        self.stepfunctions.machines |= {MACHINE: "STANDARD", EXPRESS: "EXPRESS"}
        self.codepipeline = FakeCodePipeline()
        self.s3 = FakeS3()
        self.clients = FakeClients(
            client_of(self.stepfunctions),
            client_of(self.codepipeline),
            self.s3,
        )
        self.put_artifact({"state_machine_input.json": b'{"environmentName": "test"}'})
        self.configure()

    def configure(self, **environment: str) -> None:
        """Start a new container of the function, with these environment variables besides the machines."""
        variables = {"STATE_MACHINE_ARN": MACHINE, "ALLOWED_STATE_MACHINE_ARNS": EXPRESS, **environment}
        settings: Settings | SettingsError
        try:
            settings = load_settings(variables)
        except SettingsError as error:
            settings = error
        self.trigger = Trigger(self.clients, settings, lambda: self.now)

    def configure_express(self) -> None:
        self.configure(EXPRESS_CLAIMS_BUCKET=CLAIMS_BUCKET)

    def put_artifact(self, members: Mapping[str, bytes], *, key: str = ARTIFACT_KEY) -> None:
        self.s3.put(ARTIFACT_BUCKET, key, zip_of(members))

    def first_job(self, user_parameters: object = None, **changes: Any) -> dict[str, Any]:
        """Return the event of an action's first job; parameters other than text are sent as JSON."""
        event = job_event(changes.pop("job_id", None) or str(uuid.uuid4()), user_parameters)
        event["CodePipeline.job"]["data"] |= changes
        return event

    def next_job(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the job that CodePipeline creates after `event`'s job was continued."""
        token = self.job_result(event)["continuationToken"]
        following: dict[str, Any] = json.loads(json.dumps(event))
        following["CodePipeline.job"]["id"] = str(uuid.uuid4())
        following["CodePipeline.job"]["data"]["continuationToken"] = token
        return following

    def send(self, event: Mapping[str, Any], *, remaining_seconds: float = 600) -> Params:
        """Invoke the function, and return the job's result."""
        self.deliver(event, remaining_seconds=remaining_seconds)
        return self.job_result(event)

    def deliver(self, event: Mapping[str, Any], *, remaining_seconds: float = 600) -> None:
        self.codepipeline.open_jobs.add(event["CodePipeline.job"]["id"])
        self.trigger.handle(event, LambdaContext(remaining_seconds))  # type: ignore[arg-type]

    def job_result(self, event: Mapping[str, Any]) -> Params:
        """Return the parameters of the call that completed the job."""
        return self.codepipeline.results[event["CodePipeline.job"]["id"]]

    def start_execution(
        self, user_parameters: object = None, **changes: Any
    ) -> tuple[dict[str, Any], FakeExecution]:
        """Send the first job of an action, and return the next job and the execution."""
        event = self.first_job(user_parameters, **changes)
        self.send(event)
        following = self.next_job(event)
        self.forget_calls()
        return following, self.execution

    @property
    def execution(self) -> FakeExecution:
        """The only execution."""
        (execution,) = self.stepfunctions.executions.values()
        return execution

    def forget_calls(self) -> None:
        self.stepfunctions.calls.clear()
        self.codepipeline.calls.clear()
        self.s3.calls.clear()

    @property
    def calls(self) -> list[str]:
        """The names of all AWS calls since the last `forget_calls`, those of S3 first."""
        return [name for fake in (self.s3, self.stepfunctions, self.codepipeline) for name, _ in fake.calls]


def zip_of(members: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


def job_event(job_id: str, user_parameters: object = None) -> dict[str, Any]:
    configuration = {"FunctionName": "trigger"}
    if user_parameters is not None:
        is_text = isinstance(user_parameters, str)
        configuration["UserParameters"] = str(user_parameters) if is_text else json.dumps(user_parameters)
    data = {
        "actionConfiguration": {"configuration": configuration},
        "inputArtifacts": [artifact("SourceOutput", ARTIFACT_KEY, revision="abc123")],
        "outputArtifacts": [],
        "artifactCredentials": {
            "accessKeyId": "ARTIFACT-KEY-ID",
            "secretAccessKey": "SECRET-ACCESS-KEY",
            "sessionToken": "SESSION-TOKEN",
            "expirationTime": 1_800_003_600_000,
        },
    }
    return {"CodePipeline.job": {"id": job_id, "accountId": ACCOUNT, "data": data}}


def artifact(name: str, key: str, *, revision: str | None = None) -> dict[str, Any]:
    location = {"type": "S3", "s3Location": {"bucketName": ARTIFACT_BUCKET, "objectKey": key}}
    return {"name": name, "revision": revision, "location": location}
