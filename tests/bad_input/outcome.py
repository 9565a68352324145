"""What bad input leads to, and what is checked of every message."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from stepline.core.limits import MAX_MESSAGE_CHARACTERS
from tests.bad_input.observed import USER_VALUE


@dataclass(frozen=True)
class Outcome:
    """`error` is empty if the input was accepted.

    `started` are the inputs of the executions that were started, `calls` those of AWS. `requests` to S3 and
    `read_bytes` of its responses are counted for the trigger.
    """

    error: str
    message: str
    answer: Any = None
    started: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    requests: int = 0
    read_bytes: int = 0

    @property
    def kind(self) -> str:
        """Error and message without names and numbers, to count the kinds of outcomes."""
        text = re.sub(r'".*"|s3://\S+|arn:\S+|https://\S+', "…", self.message)
        return f"{self.error or 'accepted'}: {re.sub(r'[0-9][0-9,.]*', '#', text)[:80]}"


def check_message(message: str, *, max_characters: int = MAX_MESSAGE_CHARACTERS) -> None:
    assert message
    assert message.isprintable()
    assert len(message) <= max_characters
    assert USER_VALUE not in message
