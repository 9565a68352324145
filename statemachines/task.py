"""What every task handler does around its one function: log, and translate errors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger

from statemachines.fields import Fields, JsonObject
from stepline.core import aws_errors
from stepline.core.aws_errors import AWS_FAILURES, AwsFailure
from stepline.core.errors import SteplineError

Work = Callable[[Fields], JsonObject]
Handler = Callable[[Any, Any], JsonObject]
Translate = Callable[[AwsFailure], SteplineError]


def task(service: str, translate: Translate = aws_errors.translate) -> Callable[[Work], Handler]:
    """Make a Lambda handler of a function that takes the event apart and answers with JSON data.

    Whatever AWS refuses becomes, by `translate`, a `SteplineError` whose class name the ASL file knows.
    `service` names the state machine in the log. Neither event nor answer is logged: a
    parameter may be a secret.
    """
    log = Logger(service=service)

    def decorate(work: Work) -> Handler:
        name = work.__module__.rpartition(".")[2]

        @functools.wraps(work)
        def handler(event: Any, _context: Any) -> JsonObject:
            try:
                answer = _translated(work, event, translate)
            except SteplineError as error:
                log.warning("task failed", task=name, error=type(error).__name__, reason=error.message)
                raise
            log.info("task succeeded", task=name)
            return answer

        return handler

    return decorate


def _translated(work: Work, event: Any, translate: Translate) -> JsonObject:
    try:
        return work(Fields(event, "the event"))
    except AWS_FAILURES as error:
        raise translate(error) from error
