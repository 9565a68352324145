"""Text and durations in messages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stepline.core.durations import format_duration
from stepline.core.text import cut, printable, quoted


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (None, ""),
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min 0 s"),
        (3725, "1 h 2 min"),
        (90_000, "25 h 0 min"),
        (0.25, "0.2 s"),
        (-1.0, "0.0 s"),
        (timedelta(seconds=9.94), "9.9 s"),
        (timedelta(seconds=59.6), "1 min 0 s"),
        (timedelta(seconds=9.96), "10 s"),
        (timedelta(minutes=3, seconds=5), "3 min 5 s"),
    ],
)
def test_duration_is_formatted(length: timedelta | float | None, shown: str) -> None:
    assert format_duration(length) == shown


@pytest.mark.parametrize("size", [1, 2, 10])
def test_cut_and_printable_text_has_the_maximum_length(size: int) -> None:
    for value in ("", "a", "ab" * 20, "\0" * 20, " \n" * 50):
        assert len(cut(value, size)) <= size
        assert len(printable(value, size)) <= size
    assert quoted("a\nb\x1b") == '"a b\\x1b"'
