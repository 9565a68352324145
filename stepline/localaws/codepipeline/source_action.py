"""The source action: find the revision, put its zip into the artifact store."""

from __future__ import annotations

from collections.abc import Mapping

from botocore.exceptions import BotoCoreError, ClientError

from stepline.localaws.codepipeline.artifacts import actor_of, upload
from stepline.localaws.codepipeline.clients import Clients
from stepline.localaws.codepipeline.core import Core
from stepline.localaws.codepipeline.flow import Flow
from stepline.localaws.codepipeline.models import FailureType, Outcome, Revision
from stepline.localaws.codepipeline.sources import AbandonedError, Source, SourceError
from stepline.localaws.codepipeline.state import ActionExecution
from stepline.localaws.iam import acting_as


class SourceAction:
    def __init__(self, core: Core, flow: Flow, clients: Clients, sources: Mapping[str, Source]) -> None:
        self._core = core
        self._flow = flow
        self._clients = clients
        self._sources = sources

    def begin(self, action: ActionExecution) -> None:
        """Fetch and upload, outside transactions, then end the action."""
        try:
            revision = self._transfer(action)
        except AbandonedError:
            return
        except SourceError as error:
            outcome = Outcome.failure(error.code, error.message)
        except (ClientError, BotoCoreError) as error:
            bucket = action.outputs[0].bucket
            outcome = Outcome.failure(
                FailureType.PERMISSION_ERROR,
                "The action failed because the artifact could not be written to the Amazon S3 bucket "
                f"{bucket}. Error: {error}",
            )
        else:
            outcome = _outcome(revision)
        self._flow.finish_action(action, outcome)

    def _transfer(self, action: ActionExecution) -> Revision:
        with acting_as(actor_of(action)):
            return self._transfer_as_role(action)

    def _transfer_as_role(self, action: ActionExecution) -> Revision:
        source = self._sources[action.declaration.type.provider]
        configuration = action.resolved_configuration
        overrides = action.execution.overrides.get(action.declaration.name, {})
        revision = source.latest(configuration, overrides=overrides)
        store = action.execution.declaration.store(self._core.region)
        with source.fetch(configuration, revision) as content:
            if not action.in_progress:
                raise AbandonedError
            upload(self._clients, store, action.outputs[0], content)
        return revision


def _outcome(revision: Revision) -> Outcome:
    return Outcome(
        summary=revision.summary,
        external_id=revision.id,
        external_url=revision.url,
        output_variables=revision.variables,
        source_revision=revision,
    )
