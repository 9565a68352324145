"""Texts that others wrote, as they fit into a line."""

from __future__ import annotations

import pytest

from stepline.cli.summaries import headline, reason, subject


@pytest.mark.parametrize(
    ("message", "line"),
    [(None, ""), ("\n", ""), ("Fix it\n\nThe reason is long.\n", "Fix it"), ("  a \t b", "a b")],
)
def test_a_commit_has_a_subject(message: str | None, line: str) -> None:
    assert subject(message) == line


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
def test_a_link_at_the_end_of_a_summary_is_left_out(summary: str | None, line: str) -> None:
    assert headline(summary) == line


def test_an_error_keeps_all_its_lines() -> None:
    assert reason("A: failed\nbecause of b\n\nhttps://a.b/c") == "A: failed because of b"
