"""Every number of the Deploy state machine, with its unit and its source.

[model] is botocore's service model, [doc] the AWS documentation, [ours] a choice.
"""

from __future__ import annotations

from typing import Final

MAX_TEMPLATE_BODY_BYTES: Final = 51_200
"""Largest TemplateBody of a request; larger templates go through S3 (CloudFormation quotas [doc])."""

MAX_TEMPLATE_BYTES: Final = 1_000_000
"""Largest template in S3: "1 MB" (CloudFormation quotas [doc])."""

MAX_CONFIGURATION_BYTES: Final = 262_144
"""Largest template configuration file that is read [ours]: as large as a state machine's input."""

MAX_OUTPUTS_BYTES: Final = 200_000
"""Of a stack's outputs as the execution's output, which holds 262,144 bytes (Step Functions quotas [doc])
with the rest of Lambda's answer around them [ours]; CloudFormation allows 200 outputs of 4,096 bytes."""

MAX_STACK_NAME_CHARACTERS: Final = 128
"""Length of a stack name (CreateStack, API reference [doc])."""

MAX_STACK_POLICY_CHARACTERS: Final = 16_384
"""Length of a stack policy (`StackPolicyBody` [model])."""

MAX_TAGS: Final = 50
"""Tags of a stack (CreateStack, API reference [doc])."""

MAX_TOKEN_CHARACTERS: Final = 128
"""Length of a ClientRequestToken and of a change set's name [model]."""

MAX_NESTING: Final = 5
"""Levels of nested stacks that are looked into [ours]."""

DEFAULT_MAX_WAIT_MINUTES: Final = 120
MAX_MAX_WAIT_MINUTES: Final = 480
"""Of one wait loop [ours]: a pipeline's action ends after 24 hours, and a deployment may wait for a busy
stack, for a change set and for the update."""

MAX_POLL_SECONDS: Final = 300
"""Between two looks at a stack, as a setting [ours]."""

WAIT_GROWTH_DIVISOR: Final = 20
"""A wait grows to this part of the time waited already [ours]: nobody notices 5 % more, and a long
deployment does not fill the execution's history, which ends at 25,000 events (Step Functions quotas
[doc]); one look makes 9 of them."""

MAX_GROWN_WAIT_SECONDS: Final = 60
"""To which a wait grows [ours]: a day of waiting makes some 18,000 events."""
