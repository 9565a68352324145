"""Names and ARNs of AWS Batch."""

from __future__ import annotations

from dataclasses import dataclass

_CLUSTER = "AWSBatch"


@dataclass(frozen=True)
class Arns:
    account_id: str
    region: str

    def of(self, kind: str, name: str) -> str:
        """`kind`: job, job-queue, job-definition, compute-environment."""
        return f"arn:aws:batch:{self.region}:{self.account_id}:{kind}/{name}"

    def task(self, task_id: str) -> str:
        """Return the ARN of the ECS task of an attempt."""
        return f"arn:aws:ecs:{self.region}:{self.account_id}:task/{_CLUSTER}/{task_id}"


def short_name(name_or_arn: str) -> str:
    """Return `name` for `name` and for `arn:…:job-queue/name`."""
    return name_or_arn.rpartition("/")[2] if name_or_arn.startswith("arn:") else name_or_arn
