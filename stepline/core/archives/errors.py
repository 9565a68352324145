"""Errors of reading a file from a zip in S3, besides `TransientAwsError` and `PermissionDeniedError`."""

from __future__ import annotations

from stepline.core.errors import ConfigurationError, SteplineError


class ArtifactFormatError(ConfigurationError):
    """The archive is not a zip, is corrupt, or uses a feature that is not supported."""


class ArtifactMemberNotFoundError(ConfigurationError):
    """The archive does not contain the file."""


class ArtifactMemberTooLargeError(ConfigurationError):
    """The file in the archive is larger than the limit."""


class RevisionUnavailableError(SteplineError):
    """The object does not exist in S3."""
