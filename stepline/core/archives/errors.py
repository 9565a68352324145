"""What can go wrong when a member of a zip archive in S3 is read.

Besides these, `TransientAwsError` and `PermissionDeniedError`.
"""

from __future__ import annotations

from stepline.core.errors import ConfigurationError, SteplineError


class ArtifactFormatError(ConfigurationError):
    """The archive is not a zip, is corrupt, or uses a feature that is not supported."""


class ArtifactMemberNotFoundError(ConfigurationError):
    """The archive does not hold the file that was asked for."""


class ArtifactMemberTooLargeError(ConfigurationError):
    """The file in the archive is larger than what may be read."""


class RevisionUnavailableError(SteplineError):
    """There is no such object in S3."""
