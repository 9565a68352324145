"""A cold start of the trigger, against what any function needs that makes the same two clients with boto3."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from statistics import median

_PAIRS = 25

_TRIGGER = "import pipeline.trigger"
_BOTO3 = """
import boto3
boto3.client("stepfunctions")
boto3.client("codepipeline")
"""

_ENVIRONMENT = {
    "AWS_LAMBDA_FUNCTION_NAME": "trigger",  # the trigger makes its clients at once, as in Lambda
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:000000000000:stateMachine:deploy",
}


@dataclass(frozen=True)
class ColdStart:
    """Medians over pairs of whole processes, without what an empty Python process takes."""

    trigger_seconds: float
    boto3_seconds: float
    ratio: float


def measure() -> ColdStart:
    """The two take turns, so that a slow moment of the machine meets both."""
    _process_seconds(_TRIGGER), _process_seconds(_BOTO3)  # so that both are compiled and in the disk cache
    empty = median(_process_seconds("") for _ in range(_PAIRS))
    pairs = [(_process_seconds(_TRIGGER) - empty, _process_seconds(_BOTO3) - empty) for _ in range(_PAIRS)]
    return ColdStart(
        median(trigger for trigger, _ in pairs),
        median(boto3 for _, boto3 in pairs),
        median(trigger / boto3 for trigger, boto3 in pairs),
    )


def _process_seconds(program: str) -> float:
    before = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, env=os.environ | _ENVIRONMENT)
    return time.perf_counter() - before
