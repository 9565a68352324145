"""The action types that pipelines can use, AWS's and custom ones, with the provider of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stepline.localaws.codepipeline.action_types import ActionTypeDefinition, Provider, ProviderContext
from stepline.localaws.codepipeline.actions import DEFINITIONS
from stepline.localaws.codepipeline.declarations import ActionType

_MASK = "****"


class ActionTypes:
    """Call every method inside a transaction."""

    def __init__(self, context: ProviderContext) -> None:
        self._context = context
        self._definitions: dict[ActionType, ActionTypeDefinition] = {}
        self._providers: dict[ActionType, Provider] = {}
        for definition in DEFINITIONS:
            self.add(definition)

    def add(self, definition: ActionTypeDefinition) -> None:
        """Let pipelines use the type, unless the service of its provider is not to be had here."""
        provider = definition.provider(self._context)
        if provider is not None:
            self._definitions[definition.type] = definition
            self._providers[definition.type] = provider

    def available(self) -> Iterator[ActionTypeDefinition]:
        """Yield the types that pipelines can use."""
        return iter(self._definitions.values())

    def find(self, action_type: ActionType) -> ActionTypeDefinition | None:
        """Return the type if pipelines can use it."""
        return self._definitions.get(action_type)

    def definition(self, action_type: ActionType) -> ActionTypeDefinition:
        """Return the type of an action that a pipeline declares."""
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
        definition = self.find(action_type)
        secret = definition.secret if definition else ()
        return {key: _MASK if key in secret else value for key, value in configuration.items()}
