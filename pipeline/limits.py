"""Limits of the CodePipeline action, each with its unit and source.

[model] is botocore's service model, [doc] the AWS documentation, [ours] a choice.
"""

from __future__ import annotations

from typing import Final

from stepline.core.limits import MAX_INPUT_BYTES, MAX_LARGE_DATA_BYTES

# --- CodePipeline

MAX_USER_PARAMETERS_CHARACTERS: Final = 1000
"""Length of an action configuration value [model: ActionConfigurationValue]."""

MAX_CONTINUATION_TOKEN_CHARACTERS: Final = 2048
"""[model: ContinuationToken]"""

MAX_SUMMARY_CHARACTERS: Final = 2048
"""[model: ExecutionSummary]"""

MAX_OUTPUT_SUMMARY_CHARACTERS: Final = 1_200
"""Of what the state machine's output adds to the summary [ours]; the time and the link come besides."""

MAX_EXTERNAL_EXECUTION_ID_CHARACTERS: Final = 1500
"""[model: ExecutionId]"""

MAX_FAILURE_MESSAGE_CHARACTERS: Final = 5000
"""[model: Message]"""

MAX_OUTPUT_VARIABLES_BYTES: Final = 122_880
"""All output variables of an action together [doc: Quotas in AWS CodePipeline]."""

OUTPUT_VARIABLE_OVERHEAD_BYTES: Final = 6
"""Added for each variable besides its name and value, as in `"name":"value",` [ours]. It is not documented
whether AWS counts these bytes."""

MAX_EXPRESSION_STEPS: Final = 1_000_000
"""Of all output variables together [ours]: about a second of a whole processor. A filter over the largest
output takes some 200,000."""

MAX_EXPRESSION_VALUE_CHARACTERS: Final = 4 * MAX_INPUT_BYTES
"""Of the value of an output variable [ours]. CodePipeline accepts less; these are characters of a value."""

MAX_INNER_VALUE_CHARACTERS: Final = MAX_LARGE_DATA_BYTES
"""Of each value on the way to it [ours]: the largest output."""

MAX_UNREAD_OUTPUT_CHARACTERS: Final = 600
"""Of the reason in the summary why an output in S3 was not read [ours]."""

MAX_OUTPUT_ARTIFACTS: Final = 1
"""An execution has one output [ours]; CodePipeline allows 5 artifacts."""

OPEN_JOB_EXPIRES_SECONDS: Final = 2 * 24 * 3600
"""After the last change of an item of the table of open jobs [ours]. An action takes 24 hours [doc]."""

FIRST_JOB_DELAYS_SECONDS: Final = (0.25, 0.5, 1, 2, 4, 8, 8)
"""Between two PollForJobs while the first job of an action has not been taken [ours]."""

NEXT_JOB_DELAYS_SECONDS: Final = (0.25, 0.5, 1, 2)
"""The same while the next job of an action is expected [ours]. Whoever polls later takes it, too."""

MAX_JOBS_OF_A_START: Final = 3
"""That a worker polls before it asks whether its action still waits, and before it ends [ours]. An action has
two jobs, and an event of its own: when many start at once, their workers together have time for all jobs."""

OLD_ANSWER_DELAYS_SECONDS: Final = (0.25, 0.5, 1, 2, 4)
"""Between two DescribeExecution of an execution that has ended [ours]: it is eventually consistent."""

UNFINISHED_JOB_SECONDS: Final = 600
"""Time after which a job that was taken, and is neither held nor answered, is taken up again [ours]. An
invocation ends earlier."""

MAX_HOLD_MINUTES: Final = 12
"""For which a job of a Lambda action is held open [ours]: a job without a result times out after 20 minutes
[doc]. The jobs are checked every three minutes, so even a check that fails leaves time for the next one."""

WORKER_MARGIN_SECONDS: Final = 20
"""Of an invocation of the worker, for reporting the result of the last job [ours]."""

# --- Step Functions

MAX_INPUT_FILE_BYTES: Final = 4 * MAX_INPUT_BYTES
"""Size of a file with the input [ours], which may contain white space."""

EXECUTION_VISIBLE_WITHIN_SECONDS: Final = 300
"""DescribeExecution is eventually consistent [model]; for how long is not documented [ours]."""

MAX_EXPRESS_SECONDS: Final = 300
"""An Express execution lasts five minutes at most [doc: Quotas related to state machine executions]."""

EXPRESS_RESULT_MARGIN_SECONDS: Final = 15
"""Time left for reporting the result, after waiting for an Express execution [ours]."""

EXPRESS_JOB_SECONDS: Final = MAX_EXPRESS_SECONDS + 2 * EXPRESS_RESULT_MARGIN_SECONDS
"""For the first job of an action whose execution is an Express one [ours]."""

# --- Time

DEFAULT_TIMEOUT_MINUTES: Final = 23 * 60 + 50
"""Slightly less than the 24 hours that an action may take [doc], so that the result can be reported."""

GIVE_UP_SECONDS: Final = 300
"""Time after the deadline in which stopping the execution is retried, if AWS cannot be reached [ours]."""

STOP_CONFIRMED_WITHIN_SECONDS: Final = 180
"""Time after StopExecution in which the execution is described until it has ended [ours]: DescribeExecution
is eventually consistent [model]."""

MAX_CLOCK_SKEW_SECONDS: Final = 300
"""Between two Lambda hosts [ours]. A token from further in the future is refused."""

READ_TIMEOUT_SECONDS: Final = 10
"""AWS responds to all calls of the trigger within a second; a lost call is soon retried [ours]."""

MAX_RESULT_ATTEMPTS: Final = 5
"""Attempts of PutJobSuccessResult and PutJobFailureResult [ours]: without a result the job times out."""
