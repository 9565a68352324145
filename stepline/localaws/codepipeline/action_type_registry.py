"""The action types that pipelines can use, AWS's and custom ones, with the provider of each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from stepline.localaws.codepipeline.action_types import ActionTypeDefinition, Provider, ProviderContext
from stepline.localaws.codepipeline.actions import DEFINITIONS
from stepline.localaws.codepipeline.declarations import (
    ActionDeclaration,
    ActionType,
    PipelineDeclaration,
)

_MASK = "****"
_MASKED = re.compile(r"[* ]+")


class ActionTypes:
    """Call every method inside a transaction."""

    def __init__(self, context: ProviderContext) -> None:
        self._context = context
        self._available: dict[ActionType, ActionTypeDefinition] = {}
        self._definitions: dict[ActionType, ActionTypeDefinition] = {}
        self._providers: dict[ActionType, Provider] = {}
        for definition in DEFINITIONS:
            self.add(definition)

    def add(self, definition: ActionTypeDefinition) -> None:
        """Let pipelines use the type, unless the service of its provider is not to be had here."""
        provider = definition.provider(self._context)
        if provider is not None:
            self._available[definition.type] = self._definitions[definition.type] = definition
            self._providers[definition.type] = provider

    def remove(self, action_type: ActionType) -> None:
        """Let no pipeline declare or start the type any more."""
        del self._available[action_type]

    def available(self) -> Iterator[ActionTypeDefinition]:
        """Yield the types that pipelines can use."""
        return iter(self._available.values())

    def find(self, action_type: ActionType) -> ActionTypeDefinition | None:
        """Return the type if pipelines can use it."""
        return self._available.get(action_type)

    def definition(self, action_type: ActionType) -> ActionTypeDefinition:
        """Return the type of an action that a pipeline declares, which may be removed."""
        return self._definitions[action_type]

    def provider(self, action_type: ActionType) -> Provider:
        """Return what runs the actions of a type that a pipeline declares."""
        return self._providers[action_type]

    def without_secrets(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return a pipeline structure whose secret configuration values are masked, as AWS shows them."""
        stages = [
            {**stage, "actions": [self._action_without_secrets(action) for action in stage["actions"]]}
            for stage in document["stages"]
        ]
        return {**document, "stages": stages}

    def _action_without_secrets(self, action: Mapping[str, Any]) -> Mapping[str, Any]:
        action_type = ActionType(**action["actionTypeId"])
        configuration = action.get("configuration")
        if not configuration:
            return action
        return {**action, "configuration": self.masked(action_type, configuration)}

    def masked(self, action_type: ActionType, configuration: Mapping[str, str]) -> dict[str, str]:
        """Return an action's configuration with masked secrets."""
        definition = self._definitions.get(action_type)
        secret = definition.secret if definition else ()
        return {key: _MASK if key in secret else value for key, value in configuration.items()}

    def with_kept_secrets(
        self, document: Mapping[str, Any], earlier: PipelineDeclaration
    ) -> Mapping[str, Any]:
        """Return an updated pipeline structure with the secrets that it passes masked.

        A masked secret keeps its value if no other value of the action changes [ActionConfigurationProperty].
        """
        known = {(stage.name, action.name): action for stage in earlier.stages for action in stage.actions}
        stages = [
            {
                **stage,
                "actions": [
                    self._with_kept_secrets(action, known.get((stage["name"], action["name"])))
                    for action in stage["actions"]
                ],
            }
            for stage in document["stages"]
        ]
        return {**document, "stages": stages}

    def _with_kept_secrets(
        self, action: Mapping[str, Any], earlier: ActionDeclaration | None
    ) -> Mapping[str, Any]:
        if earlier is None or earlier.type != ActionType(**action["actionTypeId"]):
            return action
        given = action.get("configuration", {})
        secret = {
            key for key in self.definition(earlier.type).secret if _MASKED.fullmatch(given.get(key, ""))
        }
        kept = {**given, **{key: earlier.configuration.get(key, given[key]) for key in secret}}
        return {**action, "configuration": kept} if kept == earlier.configuration else action
