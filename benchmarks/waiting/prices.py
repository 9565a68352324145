"""Computes what an action costs on AWS, from counted calls and measured durations.

The prices are those of us-east-1, in dollars, on 2026-11-22, without the free tiers. [doc] is AWS's price
list.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ACTION_MINUTE: Final = 0.002
"""Of an action of a V2 pipeline, rounded up to the minute; a manual approval and a custom action cost nothing
[doc: https://aws.amazon.com/codepipeline/pricing/]."""

LAMBDA_REQUEST: Final = 0.20 / 1_000_000
"""[doc: https://aws.amazon.com/lambda/pricing/]"""

LAMBDA_GB_SECOND: Final = 0.0000166667
"""x86, the first tier [doc: https://aws.amazon.com/lambda/pricing/]."""

LAMBDA_GB: Final = 256 / 1024
"""Memory of the trigger and of the worker [template: MemorySize]."""

STATE_TRANSITION: Final = 0.025 / 1_000
"""Of a Standard state machine [doc: https://aws.amazon.com/step-functions/pricing/]."""

DYNAMODB_WRITE: Final = 0.625 / 1_000_000
"""A write request unit of an on-demand table, for up to 1 KB
[doc: https://aws.amazon.com/dynamodb/pricing/on-demand/]."""

DYNAMODB_READ: Final = 0.125 / 1_000_000
"""A read request unit, for up to 4 KB that are read consistently [doc: the same page]."""

S3_GET: Final = 0.0004 / 1_000
"""GetObject of the class Standard [doc: https://aws.amazon.com/s3/pricing/]."""

EVENT: Final = 0.0
"""An event of an AWS service, or of a schedule rule, on the default bus
[doc: https://aws.amazon.com/eventbridge/pricing/]."""

_PRICES: Final = {
    "UpdateItem": DYNAMODB_WRITE,
    "DeleteItem": DYNAMODB_WRITE,
    "GetItem": DYNAMODB_READ,
    "Scan": DYNAMODB_READ,
    "GetObject": S3_GET,
}
"""By operation. An item of the table has less than 1 KB. Requests to CodePipeline and Step Functions cost
nothing."""


@dataclass(frozen=True)
class Usage:
    """What a run of an action uses, besides its execution. `lambda_seconds`: of all invocations together."""

    calls: Mapping[str, float]
    invocations: float
    lambda_seconds: float
    billed_minutes: int

    @property
    def dollars(self) -> float:
        requests = sum(_PRICES.get(name, 0) * count for name, count in self.calls.items())
        functions = self.invocations * LAMBDA_REQUEST + self.lambda_seconds * LAMBDA_GB * LAMBDA_GB_SECOND
        return self.billed_minutes * ACTION_MINUTE + functions + requests


def billed_minutes(seconds: float) -> int:
    """Return the minutes for which CodePipeline bills an action that is not a custom action."""
    return math.ceil(seconds / 60)
