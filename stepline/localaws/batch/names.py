"""Names and ARNs of AWS Batch."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stepline.localaws.batch.errors import client_error

_CLUSTER = "AWSBatch"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
"""Of jobs, queues, job definitions, compute environments [SubmitJob and others, API reference]."""


@dataclass(frozen=True)
class Arns:
    account_id: str
    region: str

    def of(self, kind: str, name: str) -> str:
        """`kind`: job, job-queue, job-definition, compute-environment."""
        return f"arn:aws:batch:{self.region}:{self.account_id}:{kind}/{name}"

    def task(self, task_id: str) -> str:
        """The ECS task of an attempt."""
        return f"arn:aws:ecs:{self.region}:{self.account_id}:task/{_CLUSTER}/{task_id}"


def check_name(what: str, name: str) -> str:
    if not _NAME.fullmatch(name):
        raise client_error(
            f"{what} {name!r} should match {_NAME.pattern}: "
            "up to 128 letters, digits, hyphens and underscores"
        )
    return name


def short_name(name_or_arn: str) -> str:
    """Of `arn:…:job-queue/name` and of `name`."""
    return name_or_arn.rpartition("/")[2] if name_or_arn.startswith("arn:") else name_or_arn
