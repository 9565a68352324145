"""Stores the custom action types: create, delete, list, tag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stepline.localaws.codepipeline.action_type_registry import ActionTypes
from stepline.localaws.codepipeline.custom_action_types import CUSTOM, CustomActionType
from stepline.localaws.codepipeline.declarations import ActionType
from stepline.localaws.codepipeline.errors import (
    ActionTypeAlreadyExistsException,
    ActionTypeNotFoundException,
    LimitExceededException,
)
from stepline.localaws.codepipeline.settings import MAX_CUSTOM_ACTION_TYPES
from stepline.localaws.codepipeline.validation import check_tags
from stepline.localaws.protocol import ValidationException

ACTION_TYPE_PREFIX = "actiontype:"
"""Begins the resource of the ARN of an action type [service authorization reference]."""


@dataclass(slots=True, kw_only=True)
class _Record:
    """A custom action type; `deleted`: marked as deleted, which keeps its version from being used again."""

    definition: CustomActionType
    tags: dict[str, str] = field(default_factory=dict)
    deleted: bool = False


class CustomActionTypes:
    """Call every method inside a transaction."""

    def __init__(self, types: ActionTypes) -> None:
        self._types = types
        self._records: dict[ActionType, _Record] = {}

    def create(self, definition: CustomActionType, tags: Mapping[str, str]) -> None:
        """Add the type, or restore an identical one that was deleted.

        After a deletion, another definition needs a version that was never used before; the identical one
        restores the type [DeleteCustomActionType]. Raises AwsError.
        """
        check_tags(tags)
        earlier = self._records.get(definition.type)
        if earlier is not None and earlier.definition.document() != definition.document():
            raise _defined_otherwise(definition.type, deleted=earlier.deleted)
        if earlier is None or earlier.deleted:
            self._check_limit()
        self._records[definition.type] = _Record(definition=definition, tags=dict(tags))
        self._types.add(definition)

    def delete(self, action_type: ActionType) -> None:
        """Mark the type as deleted. Raises ValidationException if it does not exist."""
        record = self._existing(action_type)
        if record is None:
            raise ValidationException(f"The custom action type {_named(action_type)} does not exist")
        record.deleted = True
        self._types.remove(action_type)

    def get(self, action_type: ActionType) -> CustomActionType:
        """Raises ActionTypeNotFoundException."""
        record = self._existing(action_type)
        if record is None:
            raise ActionTypeNotFoundException(f"The action type {_named(action_type)} could not be found")
        return record.definition

    def tags_of(self, name: str) -> dict[str, str] | None:
        """Return the tags of the type with that name in its ARN, `Custom/Build/Provider/1`; or None."""
        owner, *parts = name.split("/")
        if owner != CUSTOM or len(parts) != len(("category", "provider", "version")):
            return None
        category, provider, version = parts
        record = self._existing(
            ActionType(category=category, owner=owner, provider=provider, version=version)
        )
        return record.tags if record else None

    def _existing(self, action_type: ActionType) -> _Record | None:
        record = self._records.get(action_type)
        return None if record is None or record.deleted else record

    def _check_limit(self) -> None:
        if sum(not record.deleted for record in self._records.values()) >= MAX_CUSTOM_ACTION_TYPES:
            raise LimitExceededException(
                f"The account has {MAX_CUSTOM_ACTION_TYPES} custom action types in this region, the limit"
            )


def _defined_otherwise(action_type: ActionType, *, deleted: bool) -> ActionTypeAlreadyExistsException:
    if deleted:
        return ActionTypeAlreadyExistsException(
            f"The custom action type {_named(action_type)} was deleted, and had a different definition. Use "
            "a version that was never used before, or an identical definition to restore it"
        )
    return ActionTypeAlreadyExistsException(
        f"The custom action type {_named(action_type)} already exists with a different definition. Use "
        "another version"
    )


def _named(action_type: ActionType) -> str:
    return (
        f"(Category: '{action_type.category}', Provider: '{action_type.provider}', "
        f"Owner: '{action_type.owner}', Version: '{action_type.version}')"
    )
