"""Limits of the batch workflow, each with its unit and source."""

from __future__ import annotations

from typing import Final

MAX_ITEMS: Final = 250
"""Of a step's list [ours]: 250 jobs are about 2,500 of the 25,000 events that a history may have, and their
results, of some 250 bytes each, must fit with the input into the 262,144 bytes of a state's data."""

MAX_INPUT_BYTES: Final = 65_536
"""Of the parameters as JSON [ours], for the same reason."""

MAX_PARAMETER_BYTES: Final = 4_096
"""Of one parameter as text [ours]: the overrides of a container have 8,192 characters [RunTask, ECS API]."""

MAX_CONCURRENCY: Final = 40
"""Iterations of an inline Map that run at a time [Step Functions developer guide, "Inline mode"]."""

MAX_JOB_NAME_CHARACTERS: Final = 128
"""Of a job's name: letters, digits, hyphens and underscores [SubmitJob, Batch API]."""

MAX_REASON_CHARACTERS: Final = 1_000
"""Of Batch's own words in a message [ours]."""
