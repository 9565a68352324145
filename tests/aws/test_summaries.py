"""Commit messages, summaries and error messages on one line."""

from __future__ import annotations

import pytest

from stepline.aws.summaries import error_line, first_line, summary_line


@pytest.mark.parametrize(
    ("message", "line"),
    [(None, ""), ("\n", ""), ("Fix it\n\nThe reason is long.\n", "Fix it"), ("  a \t b", "a b")],
)
def test_first_line_is_the_subject_of_a_commit(message: str | None, line: str) -> None:
    assert first_line(message) == line


@pytest.mark.parametrize(
    ("summary", "line"),
    [
        (
            "Succeeded within 4 s. https://us-east-1.console.aws.amazon.com/states#/v2/a:b",
            "Succeeded within 4 s.",
        ),
        ("see https://a.b/c for more", "see https://a.b/c for more"),
        ("Wait\nhttps://a.b/c", "Wait"),
        ("https://a.b/c", ""),
        (None, ""),
    ],
)
def test_link_at_the_end_of_a_summary_is_removed(summary: str | None, line: str) -> None:
    assert summary_line(summary) == line


def test_error_keeps_all_lines() -> None:
    assert error_line("A: failed\nbecause of b\n\nhttps://a.b/c") == "A: failed because of b"
