"""Every number that AWS or this project sets, with its unit and its source.

[model] is botocore's service model, [doc] the AWS documentation, [ours] a choice.
"""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# --- Reading zip archives from S3

MAX_ZIP_COMMENT_BYTES: Final = 65_535
"""Longest comment after a zip's end record (.ZIP File Format Specification, 4.3.16)."""

ARCHIVE_TAIL_BYTES: Final = MIB + MAX_ZIP_COMMENT_BYTES + 1
"""Read with the first request [ours]: a whole small archive, or the directory of a few thousand
members. S3 delivers a megabyte sooner than it answers another request."""

MAX_ZIP_DIRECTORY_BYTES: Final = 32 * MIB
"""Largest zip directory that is read [ours]: some 300,000 members. For a moment it is held twice, which
is a quarter of the function's memory."""

# --- Texts

MAX_QUOTED_CHARACTERS: Final = 120
"""Of a user's own text that a message repeats [ours]."""

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

MAX_PERCENT_BEFORE_THE_END: Final = 99

# --- Step Functions

MAX_INPUT_BYTES: Final = 262_144
"""Of an execution's input or output, as UTF-8 [doc: Quotas related to task executions]."""

MAX_INPUT_FILE_BYTES: Final = 4 * MAX_INPUT_BYTES
"""Of a file that holds the input [ours]: white space in it does not count, so it may be larger."""

MAX_EXECUTION_NAME_CHARACTERS: Final = 80
"""[model: Name]"""

MAX_STOP_CAUSE_CHARACTERS: Final = 32_768
"""[model: SensitiveCause]"""

HISTORY_EVENTS: Final = 1000
"""Events of one GetExecutionHistory page, the most there can be [model: PageSize]."""

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

CONNECT_TIMEOUT_SECONDS: Final = 3
READ_TIMEOUT_SECONDS: Final = 10
"""AWS answers all calls of the trigger within a second; a lost one is soon tried again [ours]."""

MAX_ATTEMPTS: Final = 3
"""Of one AWS call, the first included [ours]; standard mode waits up to 2 s between them."""

MAX_ANSWER_ATTEMPTS: Final = 5
"""Of PutJobSuccessResult and PutJobFailureResult: an unanswered job is the worst outcome [ours]."""

# --- Parts of texts, in characters [ours]

MAX_STATE_CHARACTERS: Final = 80
"""[doc: a state's name has at most 80]"""

MAX_ERROR_CHARACTERS: Final = 100
"""Of the 256 that Step Functions allows, so that state, error and the beginning of the cause
stand within the first 250 characters, which are all that a console may show."""

MAX_LISTED_NAMES: Final = 5
"""Names listed in a message before "and 3 more"."""
