"""Limits that all packages share, each with its unit and source.

[model] is botocore's service model, [doc] the AWS documentation, [ours] a choice of this project.
"""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# --- Reading zip archives from S3

MAX_ZIP_COMMENT_BYTES: Final = 65_535
"""Longest comment after the end record of a zip (.ZIP File Format Specification, 4.3.16)."""

ARCHIVE_TAIL_BYTES: Final = MIB + MAX_ZIP_COMMENT_BYTES + 1
"""Read with the first request [ours]: a whole small archive, or the directory of a few thousand
members. S3 takes longer for a second request than for a megabyte more."""

MAX_ZIP_DIRECTORY_BYTES: Final = 32 * MIB
"""Largest zip directory that is read [ours]: some 300,000 members. It is in memory twice for a moment, which
is a quarter of the function's memory."""

# --- Step Functions

MAX_INPUT_BYTES: Final = 262_144
"""Largest input or output of an execution, as UTF-8 [doc: Quotas related to task executions]."""

MAX_LARGE_DATA_BYTES: Final = 6 * MIB
"""Largest input or output that travels through S3 [ours]: 24 times as much as Step Functions allows. A
function of 256 MB holds it as bytes, as text, and parsed."""

MAX_LARGE_DATA_VALUES: Final = 400_000
"""Values in it [ours]: an empty list takes three bytes in JSON, and 64 in memory."""

MAX_EXECUTION_NAME_CHARACTERS: Final = 80
"""[model: Name]"""

HISTORY_EVENTS: Final = 1000
"""Events on one page of GetExecutionHistory, the maximum [model: PageSize]."""

MAX_RUNNING_PERCENT: Final = 99
"""Highest progress of an execution that is still running [ours]."""

# --- CloudFormation

MAX_TEMPLATE_BYTES: Final = 1_000_000
"""Largest template that CloudFormation reads from S3: "1 MB" [doc: CloudFormation quotas]."""

MAX_NESTED_STACKS: Final = 5
"""Levels of nested stacks that are read [ours]."""

# --- Text, in characters

MAX_QUOTED_CHARACTERS: Final = 120
"""Of a user's text that a message quotes [ours]."""

MAX_REASON_CHARACTERS: Final = 1_500
"""Of an AWS service's message that one of our messages quotes [ours]."""

MAX_MESSAGE_CHARACTERS: Final = 4_000
"""Of an error's message [ours]: a cause has at most 32,768 characters [model: SensitiveCause], and Lambda
writes the message as JSON, where a character may take six, together with the stack trace."""

MAX_STATE_CHARACTERS: Final = 80
"""Of a state's name [doc: States in the Amazon States Language]."""

MAX_ERROR_CHARACTERS: Final = 100
"""Of an error's name; Step Functions allows 256 [ours]. State, error and the beginning of the cause then fit
into the first 250 characters, and a console may show no more."""

MAX_CAUSE_CHARACTERS: Final = 5_000
"""Of a cause; Step Functions allows 32,768 [ours]. A failed job's message is no longer than this."""

MAX_LISTED_NAMES: Final = 5
"""Names in a message before "and 3 more" [ours]."""

# --- AWS calls

CONNECT_TIMEOUT_SECONDS: Final = 3
"""AWS accepts a connection within milliseconds, and a lost packet is sent again after one second [ours]."""

MAX_ATTEMPTS: Final = 3
"""Attempts of one AWS call, including the first [ours]; standard mode waits up to 2 s between them."""
