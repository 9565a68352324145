"""What a run leaves behind that must not hold a secret: its log, and AWS's environment around it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from pipeline.observability import metrics

USER_VALUE = "S3CR3T"
"""Stands in case files for a value that a log must never show, and a message need not."""

ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "FUNCTION",
    "AWS_SECRET_ACCESS_KEY": "function-secret",
    "AWS_EC2_METADATA_DISABLED": "true",
    "POWERTOOLS_DEV": "false",
}
_OWN_LOGGERS = ("trigger", "deploy")
_LOGGERS = ("", *_OWN_LOGGERS)


class Log(logging.Handler):
    """All that was logged, with every field of each record."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(f"{record.getMessage()} {vars(record)}")

    @property
    def text(self) -> str:
        return "\n".join(self._records)


@contextmanager
def observed() -> Iterator[Log]:
    """The log of the block, which goes nowhere else; in the environment of a function."""
    log = Log()
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger.handlers, logger.level) for logger in loggers]
    for logger in loggers:
        logger.handlers = [log]
        logger.setLevel(logging.DEBUG if logger.name in _OWN_LOGGERS else logger.level)
    try:
        with patch.dict("os.environ", ENVIRONMENT):
            yield log
    finally:
        metrics.clear_metrics()
        for logger, (handlers, level) in zip(loggers, before, strict=True):
            logger.handlers = handlers
            logger.setLevel(level)
