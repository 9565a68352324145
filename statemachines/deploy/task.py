"""What every task handler does around its one function: log, and translate errors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger

from pipeline.aws_errors import AWS_FAILURES
from statemachines.deploy.aws_errors import explain
from statemachines.deploy.documents import Fields, JsonObject
from statemachines.deploy.errors import DeployError

_log = Logger(service="deploy")

Handler = Callable[[Any, Any], JsonObject]


def task(work: Callable[[Fields], JsonObject]) -> Handler:
    """Make a Lambda handler of `work`, which takes the event apart and answers with JSON data.

    Whatever AWS refuses becomes a `DeployError` whose class name `deploy.asl.json` knows.
    Neither event nor answer is logged: a parameter may be a secret.
    """
    name = work.__module__.rpartition(".")[2]

    @functools.wraps(work)
    def handler(event: Any, _context: Any) -> JsonObject:
        try:
            answer = _translated(work, event)
        except DeployError as error:
            _log.warning("task failed", task=name, error=type(error).__name__, reason=error.message)
            raise
        _log.info("task succeeded", task=name)
        return answer

    return handler


def _translated(work: Callable[[Fields], JsonObject], event: Any) -> JsonObject:
    try:
        return work(Fields(event, "the event"))
    except AWS_FAILURES as error:
        raise explain(error) from error
