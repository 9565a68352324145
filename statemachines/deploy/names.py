"""Names of change sets and tokens of operations, derived from the execution.

A task that is run again must find what it made before, and two executions must never
share a name. So a name is made of the execution (its ARN and start, because Step
Functions frees a name for another execution after 90 days) and of the attempt, and of
no clock and no random number.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from statemachines.deploy.limits import MAX_TOKEN_CHARACTERS
from statemachines.fields import Fields

_DIGEST_CHARACTERS = 12


@dataclass(frozen=True)
class Execution:
    """Which execution a task belongs to; `attempt` is 2 after the deployment started again."""

    arn: str
    name: str
    start_time: str
    attempt: int

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        return cls(
            arn=fields.text("id"),
            name=fields.text("name"),
            start_time=fields.text("startTime"),
            attempt=fields.count("attempt"),
        )

    @property
    def change_set_name(self) -> str:
        """Fits `[a-zA-Z][-a-zA-Z0-9]*`, at most 128 characters."""
        return self._unique("change")

    @property
    def creation_token(self) -> str:
        """ClientRequestToken of CreateStack; fits `[a-zA-Z0-9][-a-zA-Z0-9]*`, at most 128 characters."""
        return self._unique("create")

    @property
    def update_token(self) -> str:
        return self._unique("update")

    @property
    def deletion_token(self) -> str:
        return self._unique("delete")

    def _unique(self, what: str) -> str:
        digest = hashlib.sha256(f"{self.arn}\n{self.start_time}".encode()).hexdigest()[:_DIGEST_CHARACTERS]
        head = f"stepline-{what}-"
        tail = f"-{digest}-{self.attempt}"
        readable = re.sub(r"[^a-zA-Z0-9]+", "-", self.name).strip("-")
        return head + readable[: MAX_TOKEN_CHARACTERS - len(head) - len(tail)] + tail
