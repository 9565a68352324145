"""Parameters of templates: patterns of Java."""

from __future__ import annotations

import re

import pytest

from stepline.localaws.cloudformation.template_parameters import python_pattern


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        (r"^[\w-\+]+@[\w-]+$", "a-b+c@d-e", True),
        (r"^[\w-\+]+@[\w-]+$", "a b@c", False),
        (r"[a-z-]+", "a-b", True),
        (r"[A-Za-z0-9]++", "abc", True),
    ],
)
def test_pattern_of_java_is_read(pattern: str, text: str, matches: bool) -> None:
    converted = python_pattern(pattern)
    assert converted is not None
    assert (re.fullmatch(converted, text) is not None) == matches


def test_pattern_that_python_cannot_read_is_left_out() -> None:
    assert python_pattern(r"\p{Alpha}+") is None
