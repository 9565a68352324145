"""Measures the cold start of the trigger, and that of a function that creates the same clients with boto3."""

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
    "AWS_LAMBDA_FUNCTION_NAME": "trigger",  # the trigger creates its clients at import, as in Lambda
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:000000000000:stateMachine:deploy",
}


@dataclass(frozen=True)
class ColdStart:
    """Medians over pairs of processes, without the time of an empty Python process."""

    trigger_seconds: float
    boto3_seconds: float
    ratio: float


def measure() -> ColdStart:
    """Measure both alternately, so that a slow moment of the machine affects both."""
    _process_seconds(_TRIGGER), _process_seconds(_BOTO3)  # compiles both and fills the disk cache
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
