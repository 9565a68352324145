"""Patches ministack's S3 to report written objects, also those of buckets without notifications."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from ministack.services import s3

_log = logging.getLogger(__name__)

_CREATED = "s3:ObjectCreated:"


def report_written_objects(on_written: Callable[[str, str], object]) -> None:
    """Call `on_written` with bucket and key after each write. It must not block: requests wait for it."""
    original = s3._fire_s3_event_async

    def fire(bucket: str, key: str, event_name: str, *args: Any, **kwargs: Any) -> None:
        original(bucket, key, event_name, *args, **kwargs)
        if event_name.startswith(_CREATED):
            _report(on_written, bucket, key)

    s3._fire_s3_event_async = fire


def _report(on_written: Callable[[str, str], object], bucket: str, key: str) -> None:
    try:
        on_written(bucket, key)
    except Exception:
        _log.exception("a written object was not reported", extra={"bucket": bucket})
