"""The keys that the pipeline's trigger adds to the input of the state machine."""

from __future__ import annotations

from typing import Final

REVISION_BUCKET: Final = "revisionS3Bucket"
REVISION_KEY: Final = "revisionS3Key"
"""Where the first input artifact is; absent without an input artifact."""

CODEPIPELINE: Final = "codepipeline"
"""The job that started the execution, and all input artifacts."""

TRIGGER_KEYS: Final = (REVISION_BUCKET, REVISION_KEY, CODEPIPELINE)
"""Users cannot set them: a state machine would read another pipeline's artifact with its own role."""
