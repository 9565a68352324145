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

MAX_ZIP_DIRECTORY_BYTES: Final = 64 * MIB
"""Largest zip directory that is read [ours]: some 600,000 members; guards the function's memory."""

# --- Texts

MAX_QUOTED_CHARACTERS: Final = 120
"""Of a user's own text that a message repeats [ours]."""
