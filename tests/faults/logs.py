"""Captures the logs of the functions."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator


@contextlib.contextmanager
def captured_logs(target: io.StringIO) -> Iterator[None]:
    """Write to `target` what the functions print and log."""
    names = [name for name, logger in logging.Logger.manager.loggerDict.items() if _has_handlers(logger)]
    handlers = [
        handler
        for name in names
        for handler in logging.getLogger(name).handlers
        if isinstance(handler, logging.StreamHandler)
    ]
    before = [handler.stream for handler in handlers]
    for handler in handlers:
        handler.stream = target
    try:
        with contextlib.redirect_stdout(target):
            yield
    finally:
        for handler, stream in zip(handlers, before, strict=True):
            handler.stream = stream


def _has_handlers(logger: object) -> bool:
    """Return whether it is a logger with handlers of its own, as those of Powertools are."""
    return isinstance(logger, logging.Logger) and bool(logger.handlers)
