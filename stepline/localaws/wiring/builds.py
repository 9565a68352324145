"""Lets CodePipeline start builds of CodeBuild, with the permissions that its role needs on AWS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from stepline.localaws.codebuild import (
    Build,
    BuildStatus,
    CodeBuild,
    PipelineArtifact,
    PipelineInput,
    PipelineSource,
    S3Object,
)
from stepline.localaws.codepipeline import BuildOutcome, BuildRequest
from stepline.localaws.iam import Actor, Permission, current_actor
from stepline.localaws.protocol import AwsError
from stepline.localaws.wiring.platform import Platform


@dataclass(frozen=True)
class PipelineBuilds:
    """Starts builds as the current actor."""

    codebuild: CodeBuild
    platform: Platform

    def start(self, project_name: str, request: BuildRequest) -> PipelineBuild:
        """Start a build of a project, which needs codebuild:StartBuild. Raises botocore's ClientError."""
        settings = self.platform.settings
        arn = f"arn:aws:codebuild:{settings.region}:{settings.account_id}:project/{project_name}"
        self._authorize("StartBuild", arn)
        params: dict[str, Any] = {
            "projectName": project_name,
            "environmentVariablesOverride": list(request.variables),
            **({"buildspecOverride": request.buildspec} if request.buildspec else {}),
        }
        try:
            build = self.codebuild.start_for_pipeline(params, _input(request))
        except AwsError as error:
            raise _client_error(error) from error
        return PipelineBuild(self, build, arn)

    def start_commands(
        self, name: str, request: BuildRequest, *, actor: Actor, log_group: str, timeout_minutes: int
    ) -> PipelineBuild:
        build = self.codebuild.start_commands(
            name,
            request.buildspec or "",
            _input(request),
            actor=actor,
            log_group=log_group,
            timeout_minutes=timeout_minutes,
            variables=request.variables,
        )
        return PipelineBuild(self, build)

    def authorize_describe(self, project_arn: str) -> None:
        if project_arn:
            self._authorize("BatchGetBuilds", project_arn)

    def _authorize(self, operation: str, resource: str) -> None:
        if actor := current_actor():
            self.platform.roles.authorize(actor, [Permission(f"codebuild:{operation}", resource)])


@dataclass(frozen=True)
class PipelineBuild:
    """A build of a pipeline's action. `project_arn`: "" for commands without a project."""

    builds: PipelineBuilds
    build: Build
    project_arn: str = ""

    @property
    def id(self) -> str:
        return self.build.id

    @property
    def log_stream_arn(self) -> str:
        return str(self.build.document["logs"].get("cloudWatchLogsArn", ""))

    def outcome(self) -> BuildOutcome | None:
        """Return how the build ended, as BatchGetBuilds would; None while it runs."""
        self.builds.authorize_describe(self.project_arn)
        build = self.build
        if not build.is_complete:
            return None
        return BuildOutcome(
            status=build.status.value, reason=_reason(build), exported_variables=dict(build.exported)
        )


def _input(request: BuildRequest) -> PipelineInput:
    return PipelineInput(
        initiator=request.initiator,
        sources=tuple(
            PipelineSource(item.name, S3Object(item.bucket, item.key), item.revision)
            for item in request.inputs
        ),
        artifacts=tuple(
            PipelineArtifact(item.name, S3Object(item.bucket, item.key), request.kms_key_id)
            for item in request.outputs
        ),
    )


def _reason(build: Build) -> str:
    """Return why a build failed, in the words of CodePipeline."""
    phase = build.failed_phase
    if phase is None or build.status is BuildStatus.SUCCEEDED:
        return ""
    return f"Phase: {phase.type}, Code: {phase.code}, Message: {phase.message}"


def _client_error(error: AwsError) -> ClientError:
    message = f"Error calling startBuild: {error.message}"
    return ClientError({"Error": {"Code": error.code, "Message": message}}, "StartBuild")
