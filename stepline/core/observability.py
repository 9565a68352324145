"""Structured logs, metrics and tracing, by aws-lambda-powertools.

Credentials and events must never get into a log: nothing here writes what it was not
given field by field, and botocore's debug log, which holds signed requests, stays off.
"""

from __future__ import annotations

import functools
import logging
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics

if TYPE_CHECKING:
    from aws_lambda_powertools.tracing import Tracer

Handler = Callable[[Any, Any], None]

SERVICE = os.environ.get("POWERTOOLS_SERVICE_NAME", "trigger")
NAMESPACE = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "stepline")

logger = Logger(service=SERVICE)
metrics = Metrics(service=SERVICE, namespace=NAMESPACE)

for _name in ("botocore", "urllib3"):
    # whatever level the function's log configuration asks for
    logging.getLogger(_name).setLevel(logging.WARNING)


def traced(handler: Handler) -> Handler:
    """`handler` as an X-Ray subsegment, without its response and errors as metadata.

    X-Ray's SDK takes as long to import as all the rest of powertools, so it is loaded with the
    first invocation that is sampled; Lambda says so in this variable before each invocation:
    https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
    """

    @functools.wraps(handler)
    def run(event: Any, context: Any) -> None:
        if "Sampled=1" not in os.environ.get("_X_AMZN_TRACE_ID", ""):
            handler(event, context)
            return
        capture = _tracer().capture_lambda_handler(capture_response=False, capture_error=False)
        capture(handler)(event, context)

    return run


@functools.cache
def _tracer() -> Tracer:
    from aws_lambda_powertools.tracing import Tracer  # noqa: PLC0415 - see `traced`

    return Tracer(service=SERVICE, patch_modules=("botocore",))


def where(error: BaseException) -> list[str]:
    """The places an unexpected error came through, without its text, which may quote anything."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
