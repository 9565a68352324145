"""Custom action types: what CreateCustomActionType defines, and what pipelines may declare of them.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_CreateCustomActionType.html and
https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ActionConfigurationProperty.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from stepline.localaws.codepipeline.action_types import ActionTypeDefinition, Configuration
from stepline.localaws.codepipeline.actions.custom import CustomAction
from stepline.localaws.codepipeline.declarations import ActionDeclaration, ActionType
from stepline.localaws.codepipeline.errors import InvalidActionDeclarationException
from stepline.localaws.codepipeline.settings import MAX_QUERYABLE_CHARACTERS
from stepline.localaws.codepipeline.url_templates import UrlTemplate
from stepline.localaws.codepipeline.validation import repeated
from stepline.localaws.codepipeline.variables import namespaces_in
from stepline.localaws.protocol import ValidationException

CUSTOM: Final = "Custom"
"""The owner of every custom action type."""

Property = Mapping[str, Any]

_CATEGORIES = ("Source", "Build", "Deploy", "Test", "Invoke")
"""Approval is reserved for future use, and Compute is AWS's own [CreateCustomActionType, user guide]."""
_JOB_LIST: Property = {
    "name": "JobList",
    "required": False,
    "key": False,
    "secret": False,
    "queryable": False,
}
"""The property that CodePipeline adds to the response [user guide, "Create a custom action"]."""
_QUERYABLE_VALUE = re.compile(rf"[a-zA-Z0-9_-]{{1,{MAX_QUERYABLE_CHARACTERS}}}")
_VALUES = {"Number": re.compile(r"[+-]?\d+(\.\d+)?"), "Boolean": re.compile(r"true|false", re.IGNORECASE)}


@dataclass(frozen=True, kw_only=True)
class CustomActionType(ActionTypeDefinition):
    """`properties` and `settings` are those of the request."""

    properties: tuple[Property, ...]
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def queryable(self) -> str | None:
        """The name of the property that PollForJobs must match."""
        return next((item["name"] for item in self.properties if item.get("queryable")), None)

    def document(self) -> dict[str, Any]:
        """Return the API's ActionType."""
        return {
            **super().document(),
            "settings": dict(self.settings) or None,
            "actionConfigurationProperties": [dict(item) for item in self.properties],
        }

    def created_document(self) -> dict[str, Any]:
        """Return the API's ActionType with the property JobList, as CreateCustomActionType does."""
        document = self.document()
        others = [item for item in self.properties if item["name"] != _JOB_LIST["name"]]
        return {**document, "actionConfigurationProperties": [*map(dict, others), _JOB_LIST]}


def parse(params: Mapping[str, Any]) -> CustomActionType:
    """Return the type that CreateCustomActionType defines. Raises ValidationException."""
    properties = tuple(params.get("configurationProperties", ()))
    settings = params.get("settings", {})
    _check_category(params)
    for member in ("inputArtifactDetails", "outputArtifactDetails"):
        if params[member]["minimumCount"] > params[member]["maximumCount"]:
            raise ValidationException(f"The minimumCount of {member} is greater than its maximumCount")
    _check_properties(properties)
    linked = frozenset(item["name"] for item in properties if item["required"] and not item["secret"])
    entity, execution, revision = (
        UrlTemplate(settings.get(f"{kind}UrlTemplate"), linked)
        for kind in ("entity", "execution", "revision")
    )
    return CustomActionType(
        type=ActionType(
            category=params["category"],
            owner=CUSTOM,
            provider=params["provider"],
            version=params["version"],
        ),
        inputs=_bounds(params["inputArtifactDetails"]),
        outputs=_bounds(params["outputArtifactDetails"]),
        required=tuple(item["name"] for item in properties if item["required"]),
        optional=(*(item["name"] for item in properties if not item["required"]), _JOB_LIST["name"]),
        secret=tuple(item["name"] for item in properties if item["secret"]),
        provider=partial(CustomAction, execution_url=execution.url),
        check=lambda action: _check_values(action, properties),
        entity_url=_ignoring_region(entity),
        revision_url=_ignoring_region(revision),
        timeout_seconds=lambda limits: limits.custom_timeout_seconds,
        properties=properties,
        settings=settings,
    )


def _bounds(details: Mapping[str, int]) -> tuple[int, int]:
    return details["minimumCount"], details["maximumCount"]


def _ignoring_region(template: UrlTemplate) -> Callable[[Configuration, str], str | None]:
    return lambda configuration, _region: template.url(configuration)


def _check_category(params: Mapping[str, Any]) -> None:
    category = params["category"]
    if category not in _CATEGORIES:
        raise ValidationException(
            f"A custom action cannot have the category {category}: it must be one of {', '.join(_CATEGORIES)}"
        )
    if category == "Source" and params["inputArtifactDetails"]["maximumCount"]:
        raise ValidationException("A source action has no input artifacts: their maximumCount must be 0")


def _check_properties(properties: Sequence[Property]) -> None:
    if name := repeated([item["name"] for item in properties]):
        raise ValidationException(f"The configuration property '{name}' is defined more than once")
    queryable = [item for item in properties if item.get("queryable")]
    if len(queryable) > 1:
        raise ValidationException("A custom action can have at most one queryable configuration property")
    for item in queryable:
        if not item["required"] or item["secret"]:
            raise ValidationException(
                f"The queryable configuration property '{item['name']}' must be required and not secret"
            )


def _check_values(action: ActionDeclaration, properties: Sequence[Property]) -> None:
    """Raises InvalidActionDeclarationException. The type of a value with a variable is not known yet."""
    for item in properties:
        value = action.configuration.get(item["name"])
        if value is None:
            continue
        if item.get("queryable") and not _QUERYABLE_VALUE.fullmatch(value):
            raise _invalid_value(
                action,
                item["name"],
                f"at most {MAX_QUERYABLE_CHARACTERS} alphanumeric characters, underscores and hyphens, "
                "because the property is queryable",
            )
        pattern = _VALUES.get(item.get("type", ""))
        if pattern and not pattern.fullmatch(value) and not list(namespaces_in(value)):
            raise _invalid_value(action, item["name"], f"a {item['type']}")


def _invalid_value(action: ActionDeclaration, key: str, expected: str) -> InvalidActionDeclarationException:
    return InvalidActionDeclarationException(
        f"Action configuration for action '{action.name}' has an invalid value for '{key}': it must be "
        f"{expected}"
    )
