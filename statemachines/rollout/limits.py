"""Limits of a rollout, most of which keep its data below the 262,144 bytes of a state's data."""

from __future__ import annotations

from typing import Final

MAX_TARGETS: Final = 200
"""Of one rollout [ours]. 200 targets add at most 3,200 of the 25,000 events that a history may have."""

MAX_PLAN_BYTES: Final = 66_000
"""Of the plan as JSON, with the input [ours]. The data of a state hold the plan, the targets of the current
wave once more, what happened to each target, and who approved each wave."""

MAX_REASON_BYTES: Final = 200
"""Of the reason why a target failed [ours], of which 200 have 40,000 bytes. The execution has the whole."""

MAX_APPROVER_CHARACTERS: Final = 256
"""Of the ARN of who approved a wave, in the output [ours]; the table and the message have all of it."""

MAX_APPROVAL_TARGETS: Final = 50
"""Of one wave, in a request for approval [ours]; a wave can have 200."""

MAX_LISTING_CHARACTERS: Final = 1_500
"""Of the targets that a message lists, of each kind [ours]."""

MAX_TARGET_FILE_BYTES: Final = 262_144
"""Of the file with the targets in the artifact [ours], which may have spaces and line ends."""

MAX_WAVES: Final = 50
"""Of one rollout [ours]."""

MAX_CONCURRENCY: Final = 40
"""Iterations of an inline Map that run at a time [Step Functions developer guide, "Inline mode"]."""

MAX_BAKE_MINUTES: Final = 1_440
"""Of one wave [ours]: the longest that CodePipeline lets an action run."""

MAX_BAKE_POLLS: Final = 1_500
"""Of one rollout [ours]. Each adds 9 of the 25,000 events that a history may have."""

MAX_POLL_SECONDS: Final = 300
"""Of the time between two requests for the state of alarms [ours]: alarms change once a minute or less."""

MAX_ALARMS: Final = 20
"""In one list of alarms [ours]; a request may name 100 [DescribeAlarms, CloudWatch API]."""
