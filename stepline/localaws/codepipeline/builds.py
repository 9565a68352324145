"""What CodePipeline needs of CodeBuild: builds of a project, and commands without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from stepline.localaws.codepipeline.models import Artifact


@dataclass(frozen=True, kw_only=True)
class BuildRequest:
    """`variables`: the API's environment variables. The first input artifact is the primary source.

    `kms_key_id`: the key of the artifact store, if it has one. `initiator`: `codepipeline/<pipeline>`.
    """

    buildspec: str | None = None
    variables: Sequence[Mapping[str, str]] = ()
    inputs: tuple[Artifact, ...]
    outputs: tuple[Artifact, ...]
    kms_key_id: str | None
    initiator: str


@dataclass(frozen=True, kw_only=True)
class BuildOutcome:
    """How a build ended. `reason`: why it failed, as CodePipeline reports it."""

    status: str
    reason: str = ""
    exported_variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def succeeded(self) -> bool:
        return self.status == "SUCCEEDED"


class RunningBuild(Protocol):
    """A build that was started. `log_stream_arn`: "" if it has no log in CloudWatch Logs."""

    @property
    def id(self) -> str: ...

    @property
    def log_stream_arn(self) -> str: ...

    def outcome(self) -> BuildOutcome | None:
        """Return how it ended; None while it runs. Raises botocore's ClientError without permission."""


class Builds(Protocol):
    """Starts builds as the current actor. Both methods raise botocore's ClientError."""

    def start(self, project_name: str, request: BuildRequest) -> RunningBuild: ...

    def start_commands(
        self, name: str, request: BuildRequest, *, actor: Any, log_group: str, timeout_minutes: int
    ) -> RunningBuild:
        """Run the request's buildspec with the permissions of `actor`. `name`: of the build."""
