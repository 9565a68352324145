"""The attempts of a deployment, from which the names of change sets and the tokens of operations are derived.

A task that runs again must find what it created before, and two executions must never use the same name. So a
name consists of the execution (its ARN and start time, because Step Functions allows the name of an execution
again after 90 days) and the number of the attempt, but of no current time and no random number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from statemachines.deploy.limits import MAX_TOKEN_CHARACTERS
from stepline.core.executions.digests import DIGEST_CHARACTERS, digest, execution_digest
from stepline.core.fields import Fields

TEMPLATES_PREFIX: Final = "templates/"
"""Temporary templates are stored below it."""

_CHANGE_SET: Final = "change"
_TEMPORARY_TEMPLATE: Final = re.compile(
    rf"{TEMPLATES_PREFIX}[A-Za-z0-9-]*-[0-9a-f]{{{DIGEST_CHARACTERS}}}"
    rf"/stepline-(change|create)-[A-Za-z0-9-]*-[0-9a-f]{{{DIGEST_CHARACTERS}}}-[0-9]+"
)


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
        return self._unique(_CHANGE_SET)

    @property
    def description(self) -> str:
        """The description of the change set, which names the execution."""
        return change_set_description(self.execution_name)

    def template_key(self, owner: str) -> str:
        """Return where a task stores the template; `owner` is the name of what it creates."""
        return f"{templates_of(self.execution_arn, self.execution_name)}{owner}"

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
        return execution_digest(self.execution_arn, self.start_time)

    def _unique(self, operation: str) -> str:
        head = f"stepline-{operation}-"
        tail = f"-{self._digest}-{self.number}"
        return head + _readable(self.execution_name)[: MAX_TOKEN_CHARACTERS - len(head) - len(tail)] + tail


def change_set_description(execution_name: str) -> str:
    return f"Deployment by {execution_name}"


def is_change_set_of(execution_name: str, name: str, description: str) -> bool:
    """Return whether an attempt of the execution has created the change set.

    Its start time is not needed: an execution of the same name that runs is never cleaned up.
    """
    pattern = rf"stepline-{_CHANGE_SET}-.*-[0-9a-f]{{{DIGEST_CHARACTERS}}}-[0-9]+"
    return bool(re.fullmatch(pattern, name)) and description == change_set_description(execution_name)


def templates_of(execution_arn: str, execution_name: str) -> str:
    """Return the prefix of the keys of the execution's temporary templates."""
    return f"{TEMPLATES_PREFIX}{_readable(execution_name)}-{digest(execution_arn)}/"


def is_temporary_template(key: str) -> bool:
    """Return whether a task has stored the object, as opposed to anything else below the prefix."""
    return bool(_TEMPORARY_TEMPLATE.fullmatch(key))


def _readable(execution_name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9]+", "-", execution_name).strip("-")
