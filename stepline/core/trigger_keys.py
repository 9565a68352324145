"""The keys of a state machine's input and output that the pipeline's trigger knows."""

from __future__ import annotations

from typing import Final

REVISION_BUCKET: Final = "revisionS3Bucket"
REVISION_KEY: Final = "revisionS3Key"
"""Where the first input artifact is; absent without an input artifact."""

CODEPIPELINE: Final = "codepipeline"
"""The job that started the execution, and all input artifacts."""

TRIGGER_KEYS: Final = (REVISION_BUCKET, REVISION_KEY, CODEPIPELINE)
"""Users cannot set them: a state machine would read another pipeline's artifact with its own role."""

OUTPUT_SUMMARY: Final = "stepline_summary"
"""A text in the output of the state machine, which the trigger adds to the summary of the pipeline action.
Outputs of CloudFormation cannot have this name."""
