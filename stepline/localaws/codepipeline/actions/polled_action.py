"""The base of actions that start work in another service, and wait until it has ended."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator
from functools import partial
from typing import Any

from stepline.core.archives.reader import ArtifactReader
from stepline.core.aws_errors import AWS_FAILURES, AwsFailure, FailureKind, classify, error_message
from stepline.core.errors import PermissionDeniedError, SteplineError, TransientAwsError
from stepline.core.failure_types import FailureType
from stepline.localaws.codepipeline.action_types import ProviderContext
from stepline.localaws.codepipeline.artifacts import actor_of, upload_files
from stepline.localaws.codepipeline.models import ActionExecution, Artifact
from stepline.localaws.codepipeline.results import ActionFailedError, ActionResult
from stepline.localaws.iam import acting_as

Work = Generator[None, None, ActionResult]
"""Does an action's work. Each `yield` waits for the poll interval; the returned result ends the action."""


class PolledAction(ABC):
    """Runs `work` as the action's role, in steps, until it returns or the action has ended otherwise.

    `work` may raise ActionFailedError, and whatever boto3 and `stepline.core` raise: the action fails.
    """

    def __init__(self, context: ProviderContext) -> None:
        self.clients = context.clients
        self.runtime = context.runtime
        self._flow = context.flow

    @abstractmethod
    def work(self, action: ActionExecution) -> Work:
        """Do the work of `action`."""

    def start(self, action: ActionExecution) -> None:
        self._step(action, self.work(action))

    def abandon(self, action: ActionExecution) -> None:  # noqa: B027 - few need more
        """Do nothing: the next step notices that the action has ended."""

    def client(self, service: str, action: ActionExecution) -> Any:
        """Return a boto3 client of the service, in the action's region."""
        assert self.clients.client is not None  # without it, the action type does not run
        return self.clients.client(service, self.region(action))

    def region(self, action: ActionExecution) -> str:
        return action.declaration.region or self.runtime.region

    def report(self, action: ActionExecution, **details: Any) -> None:
        """Report the members of ActionResult of an action that goes on."""
        with self.runtime.transaction():
            if action.in_progress:
                action.report(ActionResult(**details), self.runtime.now())

    def read_file(self, artifact: Artifact, path: str, *, max_bytes: int) -> bytes:
        """Return a file of an input artifact."""
        return ArtifactReader(self.clients.s3, artifact.bucket, artifact.key).read(path, max_bytes=max_bytes)

    def write_artifact(self, action: ActionExecution, artifact: Artifact, files: dict[str, bytes]) -> None:
        """Write an output artifact, a zip with `files`."""
        upload_files(self.clients, action, artifact, files, region=self.runtime.region)

    def _step(self, action: ActionExecution, work: Work) -> None:
        if not action.in_progress:
            work.close()
            return
        with self._flow.fail_on_error(action):
            try:
                with acting_as(actor_of(action)):
                    next(work)
            except StopIteration as end:
                self._flow.finish_action(action, end.value)
            except ActionFailedError as error:
                self._flow.finish_action(action, ActionResult.failure(error.code, error.message))
            except SteplineError as error:
                self._flow.finish_action(action, ActionResult.failure(_type_of(error), error.message))
            except AWS_FAILURES as error:
                self._flow.finish_action(action, aws_failure(error))
            else:
                self.runtime.later(self.runtime.settings.poll_seconds, partial(self._step, action, work))


def aws_failure(error: AwsFailure) -> ActionResult:
    """Return the result of an action that fails with an error of AWS."""
    kinds = {
        FailureKind.PERMISSION: FailureType.PERMISSION_ERROR,
        FailureKind.TRANSIENT: FailureType.SYSTEM_UNAVAILABLE,
    }
    message = error_message(error) or str(error)
    return ActionResult.failure(kinds.get(classify(error), FailureType.CONFIGURATION_ERROR), message)


def _type_of(error: SteplineError) -> FailureType:
    if isinstance(error, PermissionDeniedError):
        return FailureType.PERMISSION_ERROR
    if isinstance(error, TransientAwsError):
        return FailureType.SYSTEM_UNAVAILABLE
    return FailureType.CONFIGURATION_ERROR
