"""CodePipeline's types of a failed job."""

from __future__ import annotations

import enum


class FailureType(enum.StrEnum):
    """The values of `failureDetails.type` of PutJobFailureResult [model: FailureType]."""

    JOB_FAILED = "JobFailed"
    CONFIGURATION_ERROR = "ConfigurationError"
    PERMISSION_ERROR = "PermissionError"
    REVISION_OUT_OF_SYNC = "RevisionOutOfSync"
    REVISION_UNAVAILABLE = "RevisionUnavailable"
    SYSTEM_UNAVAILABLE = "SystemUnavailable"
