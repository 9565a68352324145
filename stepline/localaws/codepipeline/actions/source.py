"""All source actions: they find the revision and upload its zip to the artifact store."""

from __future__ import annotations

from stepline.core.aws_errors import AWS_FAILURES
from stepline.core.failure_types import FailureType
from stepline.localaws.codepipeline.action_types import ProviderContext
from stepline.localaws.codepipeline.artifacts import actor_of, upload
from stepline.localaws.codepipeline.models import ActionExecution
from stepline.localaws.codepipeline.results import ActionResult, Revision
from stepline.localaws.codepipeline.sources import ActionAbandonedError, Source, SourceError
from stepline.localaws.iam import acting_as


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


def _success(revision: Revision) -> ActionResult:
    return ActionResult(
        summary=revision.summary,
        external_id=revision.id,
        external_url=revision.url,
        output_variables=revision.variables,
        source_revision=revision,
    )
