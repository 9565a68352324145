"""The decorator of all task handlers, which logs and translates errors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger

from stepline.core import aws_errors
from stepline.core.aws_errors import AwsFailure, translated
from stepline.core.errors import SteplineError
from stepline.core.fields import Fields, JsonObject

TaskFunction = Callable[[Fields], JsonObject]
Handler = Callable[[Any, Any], JsonObject]
Translator = Callable[[AwsFailure], SteplineError]


def task(service: str, translator: Translator = aws_errors.translate) -> Callable[[TaskFunction], Handler]:
    """Create a Lambda handler from a function that reads the event and returns JSON data.

    `translator` replaces AWS's errors by a `SteplineError`, whose class name is used in the ASL file.
    `service` is the state machine's name in the log. Neither event nor result is logged: a parameter may be a
    secret.
    """
    log = Logger(service=service)

    def decorate(work: TaskFunction) -> Handler:
        name = work.__module__.rpartition(".")[2]

        @functools.wraps(work)
        def handler(event: Any, _context: Any) -> JsonObject:
            try:
                with translated(translator):
                    result = work(Fields(event, "the event"))
            except SteplineError as error:
                log.warning("Task failed", task=name, error=type(error).__name__, reason=error.message)
                raise
            log.info("Task succeeded", task=name)
            return result

        return handler

    return decorate
