"""Changes of sources that start pipelines: pushes to repositories, and objects written to buckets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum


class SourceKind(Enum):
    CODECOMMIT = "CodeCommit"
    CONNECTED = "a repository of GitHub or another provider"
    S3 = "S3"


@dataclass(frozen=True, kw_only=True)
class SourceChange:
    """`name` is that of the repository or bucket, `reference` that of the branch or tag, or the object's key.

    `commit_id` is the new commit. `changed_files` returns the paths that differ from the old one;
    without it, every filter for file paths matches.
    """

    kind: SourceKind
    name: str
    reference: str
    is_tag: bool = False
    commit_id: str = ""
    changed_files: Callable[[], Sequence[str]] | None = None


def is_set(configuration_value: str | None, *, default: bool = True) -> bool:
    """Return whether a configuration value such as PollForSourceChanges is true, in any spelling."""
    return default if configuration_value is None else configuration_value.strip().lower() == "true"
