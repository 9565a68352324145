"""What git shows after a push as the remote's message: which pipelines it starts, or that it starts none.

CodeCommit itself sends no such message.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from stepline.localaws.codecommit.models import ChangeType, ReferenceChange, ReferenceType
from stepline.localaws.events import AwsEvent

_log = logging.getLogger(__name__)


class PipelineStarts(Protocol):
    """Finds out which pipelines an event of CodeCommit starts."""

    def started_by(self, event: AwsEvent) -> Sequence[str]:
        """Return the names of the pipelines that the event starts."""

    def branches(self, repository_name: str) -> Mapping[str, Sequence[str]]:
        """Return the branches that rules or pipelines name, with the pipelines that have it as source."""


class PushMessages:
    def __init__(self, starts: PipelineStarts) -> None:
        self._starts = starts

    def of(
        self,
        repository_name: str,
        changes: Iterable[ReferenceChange],
        event_of: Callable[[ReferenceChange], AwsEvent],
    ) -> list[str]:
        """Return a line for each branch that was created or updated; none if that cannot be found out."""
        try:
            return [
                self._of_branch(repository_name, change, event_of)
                for change in changes
                if change.type is ReferenceType.BRANCH and change.change_type is not ChangeType.DELETED
            ]
        except Exception:
            _log.exception("no message for the push to %s", repository_name)
            return []

    def _of_branch(
        self, repository_name: str, change: ReferenceChange, event_of: Callable[[ReferenceChange], AwsEvent]
    ) -> str:
        if names := self._starts.started_by(event_of(change)):
            return f"Branch {change.name} starts {_pipelines(names)}."
        branches = self._starts.branches(repository_name)
        line = f"Branch {change.name} starts no pipeline"
        if sources := branches.get(change.name):
            return f"{line}: it is the source of {_pipelines(sources)}, but no rule of EventBridge starts it."
        others = {
            name: names
            for name in sorted(branches)
            if (names := self._starts.started_by(event_of(replace(change, name=name))))
        }
        listed = "; ".join(f"branch {name} starts {_pipelines(names)}" for name, names in others.items())
        return f"{line}; {listed}." if listed else f"{line}."


def _pipelines(names: Sequence[str]) -> str:
    return f"pipeline{'s' if len(names) > 1 else ''} {', '.join(names)}"
