"""Numbers of the CodePipeline action, each with its unit and source.

[model] is botocore's service model, [doc] the AWS documentation, [ours] a choice.
"""

from __future__ import annotations

from typing import Final

from stepline.core.limits import MAX_INPUT_BYTES

# --- CodePipeline

MAX_USER_PARAMETERS_CHARACTERS: Final = 1000
"""Of one action configuration value [model: ActionConfigurationValue]."""

MAX_CONTINUATION_TOKEN_CHARACTERS: Final = 2048
"""[model: ContinuationToken]"""

MAX_SUMMARY_CHARACTERS: Final = 2048
"""[model: ExecutionSummary]"""

MAX_EXTERNAL_EXECUTION_ID_CHARACTERS: Final = 1500
"""[model: ExecutionId]"""

MAX_FAILURE_MESSAGE_CHARACTERS: Final = 5000
"""[model: Message]"""

MAX_OUTPUT_VARIABLES_BYTES: Final = 122_880
"""All output variables of an action together [doc: Quotas in AWS CodePipeline]."""

OUTPUT_VARIABLE_OVERHEAD_BYTES: Final = 6
"""Counted for each variable besides name and value, as in `"name":"value",` [ours]: it is not
documented whether AWS counts them, so the sum stays below the limit either way."""

MAX_OUTPUT_ARTIFACTS: Final = 1
"""The execution has one output [ours]; CodePipeline would allow 5."""

# --- Step Functions

MAX_INPUT_FILE_BYTES: Final = 4 * MAX_INPUT_BYTES
"""Of a file that holds the input [ours]: white space in it does not count, so it may be larger."""

EXECUTION_VISIBLE_WITHIN_SECONDS: Final = 300
"""DescribeExecution is eventually consistent [model]; for how long is not documented [ours]."""

MAX_EXPRESS_SECONDS: Final = 300
"""An Express execution lasts five minutes at most [doc: Quotas related to state machine executions]."""

EXPRESS_ANSWER_MARGIN_SECONDS: Final = 15
"""Kept of the invocation's time for the answer, after waiting for an Express execution [ours]."""

# --- Time

DEFAULT_TIMEOUT_MINUTES: Final = 23 * 60 + 50
"""A little under the 24 hours that CodePipeline gives an action [doc], to be able to say what happened."""

GIVE_UP_SECONDS: Final = 300
"""How long after the deadline the execution is still tried to be stopped, if AWS does not answer [ours]."""

MAX_CLOCK_SKEW_SECONDS: Final = 300
"""Between two Lambda hosts [ours]: a token from further in the future is forged."""

READ_TIMEOUT_SECONDS: Final = 10
"""AWS answers all calls of the trigger within a second; a lost one is soon tried again [ours]."""

MAX_ANSWER_ATTEMPTS: Final = 5
"""Of PutJobSuccessResult and PutJobFailureResult: an unanswered job is the worst outcome [ours]."""
