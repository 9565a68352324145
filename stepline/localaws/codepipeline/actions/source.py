"""All source actions: they find the revision and upload its zip to the artifact store."""

from __future__ import annotations

import io
import json
from typing import BinaryIO

from stepline.core.aws_errors import AWS_FAILURES
from stepline.core.failure_types import FailureType
from stepline.localaws.codepipeline.action_types import Configuration, ProviderContext
from stepline.localaws.codepipeline.artifacts import actor_of, upload
from stepline.localaws.codepipeline.declarations import ActionDeclaration
from stepline.localaws.codepipeline.errors import InvalidActionDeclarationException
from stepline.localaws.codepipeline.models import ActionExecution
from stepline.localaws.codepipeline.results import ActionResult, Revision
from stepline.localaws.codepipeline.sources import ActionAbandonedError, Source, SourceError
from stepline.localaws.iam import acting_as

_OUTPUT_FORMAT = "OutputArtifactFormat"
_ZIP = "CODE_ZIP"
_CLONE_REFERENCE = "CODEBUILD_CLONE_REF"


def source_provider(name: str, context: ProviderContext) -> SourceAction | None:
    """Return the provider for the source of that name; None if the context has none."""
    source = context.sources.get(name)
    return SourceAction(context, source) if source is not None else None


class SourceAction:
    def __init__(self, context: ProviderContext, source: Source) -> None:
        self._clients = context.clients
        self._flow = context.flow
        self._runtime = context.runtime
        self._source = source

    def start(self, action: ActionExecution) -> None:
        """Fetch and upload the source, outside transactions, and finish the action."""
        try:
            with acting_as(actor_of(action)):
                revision = self._transfer(action)
        except ActionAbandonedError:
            return
        except SourceError as error:
            result = ActionResult.failure(error.code, error.message)
        except AWS_FAILURES as error:
            bucket = action.outputs[0].bucket
            result = ActionResult.failure(
                FailureType.PERMISSION_ERROR,
                "The action failed because the artifact could not be written to the Amazon S3 bucket "
                f"{bucket}. Error: {error}",
            )
        else:
            result = _success(revision)
        self._flow.finish_action(action, result)

    def abandon(self, action: ActionExecution) -> None:
        """Do nothing: `start` notices that the action has ended."""

    def _transfer(self, action: ActionExecution) -> Revision:
        configuration = action.resolved_configuration
        overrides = action.execution.overrides.get(action.declaration.name, {})
        revision = self._source.latest(configuration, overrides=overrides)
        store = action.execution.declaration.store(self._runtime.region)
        with self._source.fetch(configuration, revision) as content:
            if not action.in_progress:
                raise ActionAbandonedError
            upload(self._clients, store, action.outputs[0], content)
        return revision


def is_clone_reference(configuration: Configuration) -> bool:
    """Return whether the artifact is a reference to the repository, which only CodeBuild can read."""
    return configuration.get(_OUTPUT_FORMAT) == _CLONE_REFERENCE


def clone_reference(clone_url: str, revision: Revision) -> BinaryIO:
    """Return the content of the artifact of OutputArtifactFormat CODEBUILD_CLONE_REF: JSON, not a zip.

    AWS does not document its members.
    """
    document = {"cloneUrl": clone_url, "commitId": revision.id, "variables": dict(revision.variables)}
    return io.BytesIO(json.dumps(document).encode())


def check_output_format(action: ActionDeclaration) -> None:
    """Raises InvalidActionDeclarationException."""
    given = action.configuration.get(_OUTPUT_FORMAT, _ZIP)
    if given not in {_ZIP, _CLONE_REFERENCE}:
        raise InvalidActionDeclarationException(
            f"Action configuration for action '{action.name}' has an invalid {_OUTPUT_FORMAT} '{given}': it "
            f"must be {_ZIP} or {_CLONE_REFERENCE}"
        )


def _success(revision: Revision) -> ActionResult:
    return ActionResult(
        summary=revision.summary,
        external_id=revision.id,
        external_url=revision.url,
        output_variables=revision.variables,
        source_revision=revision,
    )
