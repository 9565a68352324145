"""Short digests of executions, for names and ids that a repeated task must find again."""

from __future__ import annotations

import hashlib
from typing import Final

DIGEST_CHARACTERS: Final = 12
"""Hexadecimal digits, short enough to type [ours]."""


def execution_digest(arn: str, start_time: str) -> str:
    """Return a digest that no other execution has, not even a later one of the same name.

    Step Functions allows the name of an execution again after 90 days.
    """
    return digest(f"{arn}\n{start_time}")


def digest(text: str) -> str:
    """Return the first 12 hexadecimal digits of the SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_CHARACTERS]
