"""The local CodeBuild with fakes of S3, CloudWatch Logs and secrets; its builds are real processes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError

from stepline.localaws.clock import VirtualClock
from stepline.localaws.codebuild import CodeBuild, Environment, Sources
from stepline.localaws.context import Context
from stepline.localaws.events import AwsEvent
from stepline.localaws.iam import Actor, Permission
from stepline.localaws.protocol import in_process_client
from tests.fakes.clients import client_of
from tests.fakes.s3 import FakeS3
from tests.waiting import wait_for

ROLE_ARN = "arn:aws:iam::000000000000:role/build"
ENVIRONMENT = {
    "type": "LINUX_CONTAINER",
    "image": "aws/codebuild/standard:7.0",
    "computeType": "BUILD_GENERAL1_SMALL",
}
BUCKET = "bucket"


@dataclass
class FakeRoles:
    """Every role but `untrusting` may be assumed, and has all permissions but `denied` ones."""

    untrusting: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)

    def keys(self, actor: Actor) -> ReadOnlyCredentials:
        return ReadOnlyCredentials(actor.role_arn.rpartition("/")[2], "secret", "token")

    def can_assume(self, actor: Actor) -> bool:
        return actor.role_arn not in self.untrusting

    def authorize(self, _actor: Actor, permissions: Iterable[Permission]) -> None:
        for permission in permissions:
            if permission.action in self.denied:
                raise error("AccessDeniedException", f"not authorized to perform: {permission.action}")


@dataclass
class FakeLogs:
    """Lines by group and stream."""

    streams: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    error: ClientError | None = None

    def create_log_stream(self, *, logGroupName: str, logStreamName: str) -> None:
        if self.error is not None:
            raise self.error
        self.streams[logGroupName, logStreamName] = []

    def put_log_events(
        self, *, logGroupName: str, logStreamName: str, logEvents: list[dict[str, Any]]
    ) -> None:
        self.streams[logGroupName, logStreamName] += [event["message"] for event in logEvents]


@dataclass
class FakeParameters:
    values: dict[str, str] = field(default_factory=dict)

    def get_parameters(self, *, Names: list[str], WithDecryption: bool) -> dict[str, Any]:
        assert WithDecryption
        return {
            "Parameters": [
                {"Name": name, "Value": self.values[name]} for name in Names if name in self.values
            ],
            "InvalidParameters": [name for name in Names if name not in self.values],
        }


@dataclass
class FakeSecrets:
    values: dict[str, str] = field(default_factory=dict)

    def get_secret_value(self, *, SecretId: str, **version: str) -> dict[str, Any]:
        if SecretId not in self.values:
            raise error("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
        return {"SecretString": self.values[SecretId] + "".join(version.values())}


def error(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


@dataclass
class World:
    """`directory` holds the files of running builds. `build` runs a buildspec to its end."""

    directory: Path
    clock: VirtualClock = field(default_factory=VirtualClock)
    events: list[AwsEvent] = field(default_factory=list)
    roles: FakeRoles = field(default_factory=FakeRoles)
    s3: FakeS3 = field(default_factory=FakeS3)
    logs: FakeLogs = field(default_factory=FakeLogs)
    parameters: FakeParameters = field(default_factory=FakeParameters)
    secrets: FakeSecrets = field(default_factory=FakeSecrets)
    service: CodeBuild = field(init=False)
    client: Any = field(init=False)

    def __post_init__(self) -> None:
        clients = {
            "s3": client_of(self.s3),
            "logs": self.logs,
            "ssm": self.parameters,
            "secretsmanager": self.secrets,
        }
        sources = Sources(clients.__getitem__, self.roles, "us-east-1", "000000000000")  # type: ignore[arg-type]
        environment = Environment(
            clients.__getitem__, sources, self.clock, "http://127.0.0.1:4566", "us-east-1"
        )
        self.service = CodeBuild(Context(self.clock, self.events.append), environment, self.directory)
        self.client = in_process_client(self.service)

    def create_project(self, name: str = "app", **changes: Any) -> dict[str, Any]:
        members = {
            "source": {"type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {build: {commands: [true]}}"},
            "artifacts": {"type": "S3", "location": BUCKET, "packaging": "ZIP", "name": "app.zip"},
            "environment": ENVIRONMENT,
            "serviceRole": ROLE_ARN,
            **changes,
        }
        project: dict[str, Any] = self.client.create_project(name=name, **members)["project"]
        return project

    def put_source(self, files: Mapping[str, str]) -> dict[str, str]:
        """Write a source of type S3 with these files, and return it."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as target:
            for name, text in files.items():
                target.writestr(name, text)
        self.s3.objects[BUCKET, "source.zip"] = archive.getvalue()
        return {"type": "S3", "location": f"{BUCKET}/source.zip"}

    def start(self, project_name: str = "app", **params: Any) -> str:
        build_id = str(self.client.start_build(projectName=project_name, **params)["build"]["id"])
        self.clock.advance(0)
        return build_id

    def run(self, project_name: str = "app", **params: Any) -> dict[str, Any]:
        """Start a build, and return it when it is complete."""
        return self.wait(self.start(project_name, **params))

    def build(self, buildspec: str, files: Mapping[str, str] | None = None, **params: Any) -> dict[str, Any]:
        """Run a buildspec in a project of its own, and return the build."""
        source = self.put_source(files) if files is not None else {"type": "NO_SOURCE"}
        name = f"app-{len(self.client.list_projects()['projects'])}"
        self.create_project(name, source={**source, "buildspec": buildspec})
        return self.run(name, **params)

    def wait(self, build_id: str) -> dict[str, Any]:
        return wait_for(lambda: build if (build := self.get(build_id))["buildComplete"] else None)

    def get(self, build_id: str) -> dict[str, Any]:
        (build,) = self.client.batch_get_builds(ids=[build_id])["builds"]
        found: dict[str, Any] = build
        return found

    def log(self, build: Mapping[str, Any]) -> list[str]:
        """Return the lines of the log, those of CodeBuild's agent without their time."""
        logs = build["logs"]
        lines = self.logs.streams[logs["groupName"], logs["streamName"]]
        return [line.split(" ", 3)[3] if line.startswith("[Container] ") else line for line in lines]

    def output(self, build: Mapping[str, Any]) -> list[str]:
        """Return what the commands wrote."""
        logs = build["logs"]
        lines = self.logs.streams[logs["groupName"], logs["streamName"]]
        return [line for line in lines if not line.startswith("[Container] ")]

    def object(self, key: str) -> bytes:
        return bytes(self.s3.objects[BUCKET, key][:])

    def artifact(self, key: str = "app.zip") -> dict[str, str]:
        """Return the files of an artifact that was uploaded."""
        with zipfile.ZipFile(io.BytesIO(self.object(key))) as archive:
            return {name: archive.read(name).decode() for name in archive.namelist()}


def statuses(build: Mapping[str, Any]) -> dict[str, str]:
    """Return the status of each phase that has one."""
    return {phase["phaseType"]: phase["phaseStatus"] for phase in build["phases"] if "phaseStatus" in phase}


def context(build: Mapping[str, Any], phase_type: str) -> tuple[str, str]:
    """Return code and message of a phase."""
    (phase,) = (phase for phase in build["phases"] if phase["phaseType"] == phase_type)
    (found,) = phase["contexts"]
    return found["statusCode"], found["message"]
