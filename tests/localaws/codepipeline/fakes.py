"""A CodePipeline with fakes of the services that it calls, and declarations of pipelines."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO

from botocore.exceptions import ClientError

from stepline.localaws.clock import VirtualClock
from stepline.localaws.codepipeline import (
    BuildOutcome,
    BuildRequest,
    CodePipeline,
    Revision,
    ServiceClients,
    Settings,
)
from stepline.localaws.context import Context
from stepline.localaws.events import AwsEvent
from stepline.localaws.protocol import in_process_client
from tests.fakes.clients import client_of
from tests.fakes.s3 import FakeS3
from tests.fakes.sts import FakeSts

ROLE_ARN = "arn:aws:iam::000000000000:role/pipeline"
BUCKET = "artifact-bucket"
COMMIT = "1" * 40

Job = dict[str, Any]
Function = Callable[[Job], None]


def client_error(code: str, operation: str, message: str = "no", *, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        operation,
    )


class FakeLambda:
    """Functions by name, called with the job. An exception is a function error; a ClientError is raised."""

    def __init__(self) -> None:
        self.functions: dict[str, Function] = {}
        self.events: list[dict[str, Any]] = []
        self.times: list[datetime] = []
        self.clock: VirtualClock | None = None
        self.invoke_config: dict[str, int] | None = None

    def invoke(self, *, FunctionName: str, Payload: bytes, InvocationType: str) -> dict[str, Any]:
        assert InvocationType == "RequestResponse"
        if FunctionName not in self.functions:
            raise client_error("ResourceNotFoundException", "Invoke", status=404)
        event = json.loads(Payload)
        self.events.append(event)
        if self.clock is not None:
            self.times.append(self.clock.now())
        answer: dict[str, Any] = {"StatusCode": 200, "Payload": io.BytesIO(b"null")}
        try:
            self.functions[FunctionName](event["CodePipeline.job"])
        except ClientError:
            raise
        except Exception:
            answer["FunctionError"] = "Unhandled"
        return answer

    def get_function_event_invoke_config(self, *, FunctionName: str) -> dict[str, int]:
        if self.invoke_config is None:
            raise client_error("ResourceNotFoundException", "GetFunctionEventInvokeConfig", status=404)
        return self.invoke_config

    @property
    def jobs(self) -> list[Job]:
        return [event["CodePipeline.job"] for event in self.events]


class FakeSns:
    def __init__(self) -> None:
        self.published: list[dict[str, str]] = []
        self.error: Exception | None = None

    def publish(self, **parameters: str) -> None:
        if self.error is not None:
            raise self.error
        self.published.append(parameters)


@dataclass
class FakeBuild:
    """A build that runs until the test sets its outcome."""

    id: str
    request: BuildRequest
    project_name: str = ""
    log_stream_arn: str = "arn:aws:logs:us-east-1:000000000000:log-group:g:log-stream:s"
    ended: BuildOutcome | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def outcome(self) -> BuildOutcome | None:
        return self.ended

    def end(self, status: str = "SUCCEEDED", reason: str = "", **variables: str) -> None:
        self.ended = BuildOutcome(status=status, reason=reason, exported_variables=variables)


@dataclass
class FakeBuilds:
    """Starts builds that do nothing; `error` refuses them."""

    started: list[FakeBuild] = field(default_factory=list)
    error: ClientError | None = None

    def start(self, project_name: str, request: BuildRequest) -> FakeBuild:
        if self.error is not None:
            raise self.error
        self.started.append(FakeBuild(f"{project_name}:1", request, project_name))
        return self.started[-1]

    def start_commands(self, name: str, request: BuildRequest, **settings: Any) -> FakeBuild:
        self.started.append(FakeBuild(f"{name}:1", request, settings=settings))
        return self.started[-1]


class FakeSource:
    """A CodeCommit source without a repository; its zip has `files`, or is none."""

    def __init__(self) -> None:
        self.message = "First commit"
        self.error: Exception | None = None
        self.files: dict[str, bytes] | None = None

    def latest(self, configuration: Mapping[str, str], *, overrides: Mapping[str, str]) -> Revision:
        if self.error is not None:
            raise self.error
        commit_id = overrides.get("COMMIT_ID", COMMIT)
        return Revision(
            id=commit_id,
            summary=self.message,
            created=datetime(2026, 1, 1, tzinfo=UTC),
            url="https://example.com/commit",
            variables={"CommitId": commit_id, "CommitMessage": self.message, "BranchName": "main"},
        )

    def fetch(self, configuration: Mapping[str, str], revision: Revision) -> AbstractContextManager[BinaryIO]:
        if self.files is None:
            return io.BytesIO(f"zip of {revision.id}".encode())
        return io.BytesIO(zip_of(self.files))


def zip_of(files: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def source_action(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Source",
        "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "CodeCommit", "version": "1"},
        "configuration": {"RepositoryName": "app", "BranchName": "main"},
        "outputArtifacts": [{"name": "SourceOutput"}],
        "namespace": "SourceVariables",
        **changes,
    }


def lambda_action(name: str = "Deploy", function: str = "trigger", **changes: Any) -> dict[str, Any]:
    configuration = {"FunctionName": function, **changes.pop("configuration", {})}
    return {
        "name": name,
        "actionTypeId": {"category": "Invoke", "owner": "AWS", "provider": "Lambda", "version": "1"},
        "configuration": configuration,
        "inputArtifacts": [{"name": "SourceOutput"}],
        **changes,
    }


def approval_action(name: str = "Approve", **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"},
        **changes,
    }


def pipeline(*stages: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a V2 pipeline named `app` with the stage Source and these stages, by default Deploy."""
    return {
        "name": "app",
        "roleArn": ROLE_ARN,
        "artifactStore": {"type": "S3", "location": BUCKET},
        "pipelineType": "V2",
        "stages": [stage("Source", source_action()), *(stages or [stage("Deploy", lambda_action())])],
        **changes,
    }


def stage(name: str, *actions: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "actions": list(actions)}


def service_clients(
    s3: FakeS3,
    sts: FakeSts,
    lambda_: FakeLambda,
    dropped: list[str] | None = None,
    **others: Any,
) -> ServiceClients:
    found = [] if dropped is None else dropped
    return ServiceClients(
        s3=client_of(s3), sts=client_of(sts), lambda_=lambda_, on_dropped_event=found.append, **others
    )


@dataclass
class World:
    """A CodePipeline with fakes, on a clock that the test moves. `client` is a real boto3 client.

    `dropped` has the function of each event that Lambda has given up. Nobody may assume `untrusting_roles`,
    which are ARNs. `services`: name -> client of another service that actions call.
    """

    settings: Settings = field(default_factory=lambda: Settings(start_on_create=False, identifier_seed=1))
    clock: VirtualClock = field(default_factory=VirtualClock)
    lambda_: FakeLambda = field(default_factory=FakeLambda)
    sts: FakeSts = field(init=False)
    s3: FakeS3 = field(default_factory=FakeS3)
    source: FakeSource = field(default_factory=FakeSource)
    events: list[AwsEvent] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    sns: FakeSns = field(default_factory=FakeSns)
    untrusting_roles: set[str] = field(default_factory=set)
    services: dict[str, Any] = field(default_factory=dict)
    builds: FakeBuilds = field(default_factory=FakeBuilds)

    def __post_init__(self) -> None:
        self.lambda_.clock = self.clock
        self.sts = FakeSts(clock=self.clock)
        self.service = CodePipeline(
            Context(self.clock, self.events.append),
            clients=service_clients(
                self.s3,
                self.sts,
                self.lambda_,
                self.dropped,
                sns=self.sns,
                client=lambda service, _region: self.services[service],
                builds=self.builds,
                can_assume=lambda actor: actor.role_arn not in self.untrusting_roles,
            ),
            sources=dict.fromkeys(("CodeCommit", "CodeStarSourceConnection", "ECR"), self.source),
            settings=self.settings,
        )
        self.client = in_process_client(self.service)

    @property
    def artifacts(self) -> list[bytes]:
        """The artifacts that the pipeline wrote, oldest first."""
        return [request.body for request in self.s3.called("PutObject")]

    def create(self, *stages: dict[str, Any], **changes: Any) -> None:
        self.client.create_pipeline(pipeline=pipeline(*stages, **changes))

    def start(self, **params: Any) -> str:
        return str(self.client.start_pipeline_execution(name="app", **params)["pipelineExecutionId"])

    def run(self, **params: Any) -> str:
        """Start an execution, do all scheduled work, and return the execution's id."""
        execution_id = self.start(**params)
        self.clock.run()
        return execution_id

    def status(self, execution_id: str) -> str:
        answer = self.client.get_pipeline_execution(pipelineName="app", pipelineExecutionId=execution_id)
        return str(answer["pipelineExecution"]["status"])

    def stage(self, name: str) -> dict[str, Any]:
        states = self.client.get_pipeline_state(name="app")["stageStates"]
        found: dict[str, Any] = next(state for state in states if state["stageName"] == name)
        return found

    def latest(self, stage_name: str = "Deploy", action_name: str = "Deploy") -> dict[str, Any]:
        """Return an action's latestExecution."""
        states = self.stage(stage_name)["actionStates"]
        found: dict[str, Any] = next(state for state in states if state["actionName"] == action_name)
        return dict(found["latestExecution"])

    def actions(self, execution_id: str) -> list[dict[str, Any]]:
        answer = self.client.list_action_executions(
            pipelineName="app", filter={"pipelineExecutionId": execution_id}
        )
        return list(answer["actionExecutionDetails"])

    def succeed(self, job: Job, **params: Any) -> None:
        self.client.put_job_success_result(jobId=job["id"], **params)

    def fail(self, job: Job, message: str = "it broke", failure_type: str = "JobFailed") -> None:
        self.client.put_job_failure_result(
            jobId=job["id"], failureDetails={"type": failure_type, "message": message}
        )

    def event_names(self, execution_id: str | None = None) -> list[str]:
        """Return the events as `pipeline STARTED`, `stage Deploy FAILED`, `action Deploy/Deploy STARTED`."""
        return [
            _short(event.detail)
            for event in self.events
            if execution_id in {None, event.detail["execution-id"]}
        ]


def _short(detail: Mapping[str, Any]) -> str:
    if "action" in detail:
        return f"action {detail['stage']}/{detail['action']} {detail['state']}"
    if "stage" in detail:
        return f"stage {detail['stage']} {detail['state']}"
    return f"pipeline {detail['state']}"
