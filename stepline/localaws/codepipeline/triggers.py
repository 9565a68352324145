"""The triggers of V2 pipelines: which pushes to the repository of a connection start the pipeline.

https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-triggers.html: one matching push filter is
enough, and within a filter branches and file paths must both match. What is excluded is not included.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stepline.localaws.codepipeline import globs
from stepline.localaws.codepipeline.declarations import PipelineDeclaration
from stepline.localaws.codepipeline.errors import InvalidStructureException
from stepline.localaws.codepipeline.source_changes import SourceChange

_PROVIDER = "CodeStarSourceConnection"

Document = Mapping[str, Any]


def git_configurations(declaration: PipelineDeclaration) -> dict[str, Document]:
    """Return the gitConfiguration of each source action that has a trigger, by the action's name."""
    triggers = declaration.document.get("triggers", ())
    found = (trigger["gitConfiguration"] for trigger in triggers if "gitConfiguration" in trigger)
    return {configuration["sourceActionName"]: configuration for configuration in found}


def has_filters(configuration: Document) -> bool:
    return bool(configuration.get("push") or configuration.get("pullRequest"))


def starts(configuration: Document, change: SourceChange) -> bool:
    """Return whether a push filter of the trigger matches the change."""
    return any(_matches(push_filter, change) for push_filter in configuration.get("push", ()))


def _matches(push_filter: Document, change: SourceChange) -> bool:
    if change.is_tag:
        return "tags" in push_filter and _is_selected(push_filter["tags"], change.reference)
    if "tags" in push_filter and not {"branches", "filePaths"} & push_filter.keys():
        return False
    if "branches" in push_filter and not _is_selected(push_filter["branches"], change.reference):
        return False
    files = push_filter.get("filePaths")
    if files is None or change.changed_files is None:
        return True
    return any(_is_selected(files, path) for path in change.changed_files())


def _is_selected(criteria: Document, text: str) -> bool:
    includes: Sequence[str] = criteria.get("includes", ())
    return not _any_matches(criteria.get("excludes", ()), text) and (
        not includes or _any_matches(includes, text)
    )


def _any_matches(patterns: Iterable[str], text: str) -> bool:
    return any(globs.matches(pattern, text) for pattern in patterns)


def check_triggers(declaration: PipelineDeclaration) -> None:
    """Raises InvalidStructureException."""
    triggers = declaration.document.get("triggers", ())
    if triggers and declaration.type != "V2":
        raise InvalidStructureException("Triggers need a pipeline of type V2")
    connections = {
        action.name for action in declaration.stages[0].actions if action.type.provider == _PROVIDER
    }
    names = [trigger.get("gitConfiguration", {}).get("sourceActionName") for trigger in triggers]
    for trigger, name in zip(triggers, names, strict=True):
        if name not in connections:
            raise InvalidStructureException(
                f"A trigger names the source action '{name}', which is not a {_PROVIDER} action"
            )
        if names.count(name) > 1:
            raise InvalidStructureException(f"The source action '{name}' has more than one trigger")
        if trigger["gitConfiguration"].get("pullRequest"):
            raise InvalidStructureException(
                f"The trigger of '{name}': the local AWS of stepline has no pull requests; it supports push "
                "filters for branches, tags and file paths"
            )
