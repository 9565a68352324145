"""The source action: it finds the revision and uploads its zip to the artifact store."""

from __future__ import annotations

from collections.abc import Mapping

from stepline.core.aws_errors import AWS_FAILURES
from stepline.core.failure_types import FailureType
from stepline.localaws.codepipeline.artifacts import actor_of, upload
from stepline.localaws.codepipeline.clients import ServiceClients
from stepline.localaws.codepipeline.execution_flow import ExecutionFlow
from stepline.localaws.codepipeline.models import ActionExecution
from stepline.localaws.codepipeline.results import ActionResult, Revision
from stepline.localaws.codepipeline.runtime import Runtime
from stepline.localaws.codepipeline.sources import ActionAbandonedError, Source, SourceError
from stepline.localaws.iam import acting_as


class SourceAction:
    def __init__(
        self,
        runtime: Runtime,
        flow: ExecutionFlow,
        clients: ServiceClients,
        sources: Mapping[str, Source],
    ) -> None:
        self._runtime = runtime
        self._flow = flow
        self._clients = clients
        self._sources = sources

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

    def _transfer(self, action: ActionExecution) -> Revision:
        source = self._sources[action.declaration.type.provider]
        configuration = action.resolved_configuration
        overrides = action.execution.overrides.get(action.declaration.name, {})
        revision = source.latest(configuration, overrides=overrides)
        store = action.execution.declaration.store(self._runtime.region)
        with source.fetch(configuration, revision) as content:
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
