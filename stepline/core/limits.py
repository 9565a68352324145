"""Numbers that AWS or this project sets and that everything shares, each with its unit and source.

[model] is botocore's service model, [doc] the AWS documentation, [ours] a choice. Numbers of one front door
or one state machine are in its own `limits.py`.
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

# --- Step Functions

MAX_INPUT_BYTES: Final = 262_144
"""Of an execution's input or output, as UTF-8 [doc: Quotas related to task executions]."""

MAX_EXECUTION_NAME_CHARACTERS: Final = 80
"""[model: Name]"""

HISTORY_EVENTS: Final = 1000
"""Events of one GetExecutionHistory page, the most there can be [model: PageSize]."""

MAX_PERCENT_BEFORE_THE_END: Final = 99
"""Of an execution that still runs [ours]: 100 is for the end."""

# --- CloudFormation

MAX_TEMPLATE_BYTES: Final = 1_000_000
"""Largest template that CloudFormation reads from S3: "1 MB" [doc: CloudFormation quotas]."""

MAX_NESTED_STACKS: Final = 5
"""Levels of nested stacks that are looked into [ours]."""

# --- Text, in characters

MAX_QUOTED_CHARACTERS: Final = 120
"""Of a user's own text that a message repeats [ours]."""

MAX_REASON_CHARACTERS: Final = 1_500
"""Of an AWS service's own message in one of ours [ours]."""

MAX_MESSAGE_CHARACTERS: Final = 4_000
"""Of an error's message [ours]: a cause holds 32,768 characters [model: SensitiveCause], Lambda wraps the
message in JSON, where a character may take six, and adds the stack trace."""

MAX_STATE_CHARACTERS: Final = 80
"""Of a state's name [doc: States in the Amazon States Language]."""

MAX_ERROR_CHARACTERS: Final = 100
"""Of an error's name, of the 256 that Step Functions allows [ours]: so state, error and the beginning of the
cause stand within the first 250 characters, which are all that a console may show."""

MAX_CAUSE_CHARACTERS: Final = 5_000
"""Of a cause, of the 32,768 that Step Functions allows [ours]: as long as a failed job's message may be."""

MAX_LISTED_NAMES: Final = 5
"""Names listed in a message before "and 3 more" [ours]."""

# --- AWS calls

CONNECT_TIMEOUT_SECONDS: Final = 3
"""AWS accepts a connection within milliseconds; a lost packet is sent again after one second [ours]."""

MAX_ATTEMPTS: Final = 3
"""Of one AWS call, the first included [ours]; standard mode waits up to 2 s between them."""
