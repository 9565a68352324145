"""What a source provider is: it finds the latest revision and fetches its content as a zip."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from stepline.localaws.codepipeline.results import ActionFailedError, Revision

MAX_SUMMARY_CHARACTERS = 2048  # RevisionSummary in the model

COMMIT_ID = "COMMIT_ID"
IMAGE_DIGEST = "IMAGE_DIGEST"
BRANCH_NAME = "BRANCH_NAME"
"""The branch that a trigger's filter selected; no request can give it."""

Configuration = Mapping[str, str]
Overrides = Mapping[str, str]
"""Revision type (COMMIT_ID, IMAGE_DIGEST, S3_OBJECT_VERSION_ID, S3_OBJECT_KEY) -> value, for an execution."""


class SourceError(ActionFailedError):
    """The source cannot be read."""


class ActionAbandonedError(Exception):
    """The action was abandoned while its source was fetched: the content is no longer needed."""


class Source(Protocol):
    """A source provider. Both methods may raise SourceError."""

    def latest(self, configuration: Configuration, *, overrides: Overrides) -> Revision:
        """Return the revision to run with: the latest, or what `overrides` names."""

    def fetch(self, configuration: Configuration, revision: Revision) -> AbstractContextManager[BinaryIO]:
        """Open the revision's content, a zip file, for reading.

        An ActionAbandonedError that leaves the context cancels the archive and is raised again.
        """
