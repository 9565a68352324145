"""What an action type is: its artifacts and configuration keys, and the provider that runs its actions.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference.html. `actions` has a module for
each action type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from stepline.localaws.codepipeline.clients import ServiceClients
from stepline.localaws.codepipeline.declarations import ActionDeclaration, ActionType
from stepline.localaws.codepipeline.execution_flow import ExecutionFlow
from stepline.localaws.codepipeline.job_queue import JobQueue
from stepline.localaws.codepipeline.jobs import Jobs
from stepline.localaws.codepipeline.models import ActionExecution
from stepline.localaws.codepipeline.runtime import Runtime
from stepline.localaws.codepipeline.settings import Settings
from stepline.localaws.codepipeline.source_changes import SourceChange
from stepline.localaws.codepipeline.sources import Source

Configuration = Mapping[str, str]


class Provider(Protocol):
    """Runs the actions of one type. Both methods are called in the background, outside transactions."""

    def start(self, action: ActionExecution) -> None:
        """Start the action's work. `flow.finish_action` ends it, now or later, with its output variables."""

    def abandon(self, action: ActionExecution) -> None:
        """Free what still runs here for an action that has timed out or was abandoned.

        On AWS the work that the action started in another service goes on.
        """


@dataclass(frozen=True, kw_only=True)
class ProviderContext:
    """What providers are built with. `sources`: name of a source's provider -> source."""

    runtime: Runtime
    flow: ExecutionFlow
    jobs: Jobs
    queue: JobQueue
    clients: ServiceClients
    sources: Mapping[str, Source]


def _no_check(_action: ActionDeclaration) -> None:
    """Accept every declaration."""


def _no_change(_configuration: Configuration, _change: SourceChange) -> bool:
    return False


def _no_url(_configuration: Configuration, _region: str) -> str | None:
    return None


def _default_timeout(settings: Settings) -> float:
    return settings.action_timeout_seconds


@dataclass(frozen=True, kw_only=True)
class ActionTypeDefinition:
    """`inputs` and `outputs`: minimum and maximum number of artifacts.

    `required` and `optional`: configuration keys. `provider` returns None if the provider is not to be had.
    `check` raises an AwsError for a declaration that AWS refuses, beyond artifacts and keys. `entity_url`:
    the console page of what the configuration names, in a region; `revision_url`: a page about it for
    actions without a revision of their own. `timeout_seconds`: of an action;
    `takes_timeout`: whether timeoutInMinutes changes it. `secret`: configuration keys that are never shown.
    Of a source: `revision_types`: what sourceRevisions of StartPipelineExecution may override; `reads`:
    whether a change is in the action's repository or bucket; `detects`: whether it starts the pipeline.
    """

    type: ActionType
    inputs: tuple[int, int]
    outputs: tuple[int, int]
    required: tuple[str, ...]
    optional: tuple[str, ...]
    provider: Callable[[ProviderContext], Provider | None]
    check: Callable[[ActionDeclaration], None] = _no_check
    entity_url: Callable[[Configuration, str], str | None] = _no_url
    revision_url: Callable[[Configuration, str], str | None] = _no_url
    timeout_seconds: Callable[[Settings], float] = _default_timeout
    takes_timeout: bool = False
    secret: tuple[str, ...] = ()
    revision_types: tuple[str, ...] = ()
    reads: Callable[[Configuration, SourceChange], bool] = _no_change
    detects: Callable[[Configuration, SourceChange], bool] = _no_change

    def document(self) -> dict[str, Any]:
        """Return the API's ActionType."""
        properties = [
            {
                "name": name,
                "required": name in self.required,
                "key": name in self.required,
                "secret": name in self.secret,
            }
            for name in (*self.required, *self.optional)
        ]
        return {
            "id": self.type.document(),
            "actionConfigurationProperties": properties,
            "inputArtifactDetails": _artifact_details(self.inputs),
            "outputArtifactDetails": _artifact_details(self.outputs),
        }


def _artifact_details(bounds: tuple[int, int]) -> dict[str, int]:
    return {"minimumCount": bounds[0], "maximumCount": bounds[1]}


def aws_type(category: str, provider: str) -> ActionType:
    """Return the type of an action that AWS provides."""
    return ActionType(category=category, owner="AWS", provider=provider, version="1")
