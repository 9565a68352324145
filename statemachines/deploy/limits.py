"""Limits of the Deploy state machine, each with its unit and source.

[model] is botocore's service model, [doc] the AWS documentation, [ours] a choice.
"""

from __future__ import annotations

from typing import Final

MAX_TEMPLATE_BODY_BYTES: Final = 51_200
"""Largest TemplateBody of a request; larger templates must be in S3 (CloudFormation quotas [doc])."""

MAX_CONFIGURATION_BYTES: Final = 262_144
"""Largest template configuration file that is read [ours]: as large as a state machine's input."""

MAX_OUTPUTS_BYTES: Final = 200_000
"""Of the stack's outputs in the execution's output [ours]. That has at most 262,144 bytes, including Lambda's
response around them (Step Functions quotas [doc]); CloudFormation allows 200 outputs of 4,096 bytes."""

MAX_STACK_NAME_CHARACTERS: Final = 128
"""Length of a stack name (CreateStack, API reference [doc])."""

MAX_STACK_POLICY_CHARACTERS: Final = 16_384
"""Length of a stack policy (`StackPolicyBody` [model])."""

MAX_TAGS: Final = 49
"""Tags in a template configuration: a stack may have 50 (CreateStack, API reference [doc]), of which one says
which pipeline deploys the stack."""

MAX_TOKEN_CHARACTERS: Final = 128
"""Length of a ClientRequestToken and of a change set's name [model]."""

MAX_DESCRIBED_TYPES: Final = 40
"""Resource types whose schemas are read to explain a denied action [ours]: a call each, within one task."""

MAX_LISTED_ACTIONS_CHARACTERS: Final = 1_200
"""Of the actions that a message lists [ours]."""

MAX_ALLOWANCE_CHARACTERS: Final = 1_000
"""Of the value of `allowReplacement` that a message suggests [ours]; longer ones become `true`."""

MAX_CHANGE_SUMMARY_CHARACTERS: Final = 1_200
"""Of what a change set removed or replaced [ours]: the summary of a pipeline action has 2,048 [model]."""

MAX_QUOTED_REASON_CHARACTERS: Final = 120
"""Of an approver's reason in this summary [ours]; the execution's history has all of it."""

DEFAULT_MAX_WAIT_MINUTES: Final = 120
MAX_WAIT_MINUTES_LIMIT: Final = 480
"""Of one wait loop, as a setting [ours]. A pipeline action ends after 24 hours, and a deployment may wait for
another operation, for the change set and for the update."""

MAX_POLL_SECONDS: Final = 300
"""Between two requests for a status, as a setting [ours]."""

WAIT_GROWTH_DIVISOR: Final = 20
"""A Wait grows to this part of the time waited before [ours]: 5 % more. So a long deployment does not fill
the execution's history of at most 25,000 events (Step Functions quotas [doc]); each poll adds 9."""

MAX_GROWN_WAIT_SECONDS: Final = 60
"""The longest Wait that grew [ours]: a day of waiting adds some 18,000 events."""

MAX_TASK_SECONDS: Final = 60
"""Of a task's function [template.yaml: Timeout], which continues when its execution is stopped."""

SWEPT_STOP_HOURS: Final = 24
SWEPT_EXECUTION_HOURS: Final = 48
"""Executions that were stopped in the last day are cleaned up again [ours]; they take a day at most."""

MAX_SWEPT_EXECUTIONS: Final = 100
"""Of one sweep [ours]: three calls each, within the five minutes of the function."""

SWEPT_TEMPLATE_HOURS: Final = 1
"""A temporary template that is older was left behind [ours]: a task needs one for a minute."""

MAX_APPROVAL_RESOURCES: Final = 50
"""Of the resources that a request for approval lists [ours]; a change set can have thousands. With the limits
of each, they fit into a state's input of 262,144 bytes (Step Functions quotas [doc])."""

MAX_CAUSES: Final = 5
"""Of the properties that a request for approval lists for one resource [ours]."""

MAX_CAUSE_CHARACTERS: Final = 160
"""Of each of them [ours]."""
