"""The attempts of a deployment, from which the names of change sets and the tokens of operations are derived.

A task that runs again must find what it created before, and two executions must never use the same name. So a
name consists of the execution (its ARN and start time, because Step Functions allows the name of an execution
again after 90 days) and the number of the attempt, but of no current time and no random number.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from statemachines.deploy.limits import MAX_TOKEN_CHARACTERS
from stepline.core.fields import Fields

_DIGEST_CHARACTERS = 12


@dataclass(frozen=True)
class DeploymentAttempt:
    """An attempt of an execution. `number` is 2 if the deployment was started again."""

    execution_arn: str
    execution_name: str
    start_time: str
    number: int

    @classmethod
    def parse(cls, event: Fields) -> Self:
        """Parse the member `execution`: `{"id", "name", "startTime", "attempt"}`."""
        execution = event.section("execution")
        return cls(
            execution_arn=execution.text("id"),
            execution_name=execution.text("name"),
            start_time=execution.text("startTime"),
            number=execution.count("attempt"),
        )

    @property
    def change_set_name(self) -> str:
        """A name that matches `[a-zA-Z][-a-zA-Z0-9]*`, at most 128 characters."""
        return self._unique("change")

    @property
    def creation_token(self) -> str:
        """The ClientRequestToken of CreateStack, at most 128 characters of `[-a-zA-Z0-9]`."""
        return self._unique("create")

    @property
    def update_token(self) -> str:
        return self._unique("update")

    @property
    def deletion_token(self) -> str:
        return self._unique("delete")

    @property
    def approval_id(self) -> str:
        """The id of the request for approval, which people type: 12 hexadecimal digits and the attempt."""
        return f"{self._digest}-{self.number}"

    @property
    def _digest(self) -> str:
        identity = f"{self.execution_arn}\n{self.start_time}".encode()
        return hashlib.sha256(identity).hexdigest()[:_DIGEST_CHARACTERS]

    def _unique(self, operation: str) -> str:
        head = f"stepline-{operation}-"
        tail = f"-{self._digest}-{self.number}"
        readable = re.sub(r"[^a-zA-Z0-9]+", "-", self.execution_name).strip("-")
        return head + readable[: MAX_TOKEN_CHARACTERS - len(head) - len(tail)] + tail
