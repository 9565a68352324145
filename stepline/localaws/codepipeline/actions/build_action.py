"""The base of actions that run commands: it starts a build and waits for its end."""

from __future__ import annotations

from abc import ABC
from collections.abc import Generator
from typing import Any

from stepline.core.failure_types import FailureType
from stepline.localaws.codepipeline.actions.polled_action import PolledAction
from stepline.localaws.codepipeline.builds import BuildOutcome, BuildRequest, Builds, RunningBuild
from stepline.localaws.codepipeline.models import ActionExecution, Artifact
from stepline.localaws.codepipeline.results import ActionFailedError


class BuildAction(PolledAction, ABC):
    @property
    def builds(self) -> Builds:
        assert self.clients.builds is not None  # without it, the action type does not run
        return self.clients.builds

    def request(
        self, action: ActionExecution, *, inputs: tuple[Artifact, ...], **members: Any
    ) -> BuildRequest:
        """Return the request for a build with these input artifacts and the action's output artifacts."""
        pipeline = action.execution.declaration
        return BuildRequest(
            inputs=inputs,
            outputs=action.outputs,
            kms_key_id=pipeline.store(self.runtime.region).encryption_key_id,
            initiator=f"codepipeline/{pipeline.name}",
            **members,
        )


def wait_for_build(build: RunningBuild) -> Generator[None, None, BuildOutcome]:
    """Wait until the build has ended. Raises ActionFailedError if it did not succeed."""
    while (outcome := build.outcome()) is None:
        yield
    if not outcome.succeeded:
        message = f"Build terminated with state: {outcome.status}"
        raise ActionFailedError(
            FailureType.JOB_FAILED, f"{message}. {outcome.reason}" if outcome.reason else message
        )
    return outcome
