"""What the functions write to their logs."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator


@contextlib.contextmanager
def captured_logs(target: io.StringIO) -> Iterator[None]:
    """What the functions print and log goes to `target`."""
    names = [name for name, logger in logging.Logger.manager.loggerDict.items() if _is_powertools(logger)]
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


def _is_powertools(logger: object) -> bool:
    return isinstance(logger, logging.Logger) and bool(logger.handlers)
