"""The trigger's logs, metrics and traces, by aws-lambda-powertools.

Credentials and events must not be logged: every field of a log entry is given explicitly.
"""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics

if TYPE_CHECKING:
    from aws_lambda_powertools.tracing import Tracer

Handler = Callable[[Any, Any], None]

_SERVICE = os.environ.get("POWERTOOLS_SERVICE_NAME", "trigger")

logger = Logger(service=_SERVICE)
metrics = Metrics(service=_SERVICE, namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "stepline"))

# An event that concerns no job has none; the warning would be in the log of each such invocation.
warnings.filterwarnings("ignore", message="No application metrics to publish")


def traced(handler: Handler) -> Handler:
    """Record each invocation of `handler` as an X-Ray subsegment, without its response and errors.

    The X-Ray SDK takes as long to import as all the rest of powertools. So it is imported by the first
    invocation that is sampled; Lambda sets this environment variable before each invocation:
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

    return Tracer(service=_SERVICE, patch_modules=("botocore",))
