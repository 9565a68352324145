"""JSON as a tree of HTML."""

from __future__ import annotations

from typing import Any

import pytest

from stepline.console.json_trees import json_tree

SCRIPT = "<script>"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "<code>null</code>"),
        (1.5, "<code>1.5</code>"),
        ("text", "<code>&#34;text&#34;</code>"),
        ("one\ntwo", "<pre>one\ntwo</pre>"),
        ({}, "<code>{}</code>"),
        ([1, 2], "<code>[1, 2]</code>"),
        (
            "x" * 2_001,
            f"<details><summary>text of 2,001 characters</summary><pre>{'x' * 2_001}</pre></details>",
        ),
    ],
)
def test_small_values_are_on_one_line(value: Any, shown: str) -> None:
    assert json_tree(value) == f'<div class="tree">{shown}</div>'


@pytest.mark.parametrize(
    "value",
    [SCRIPT, SCRIPT * 1_000, f"a\n{SCRIPT}", [SCRIPT], {SCRIPT: SCRIPT}, {SCRIPT: {SCRIPT: [[SCRIPT]]}}],
    ids=["string", "long", "lines", "list", "object", "nested"],
)
def test_names_and_strings_are_text(value: Any) -> None:
    tree = json_tree(value)
    assert SCRIPT not in tree
    assert "&lt;script&gt;" in tree


def test_outer_levels_are_open() -> None:
    tree = json_tree({"a": {"b": {"c": {"d": 1}}}})
    assert tree.count("<details open>") == 1
    assert tree.count("<details>") == 1
    assert "<code>{&#34;d&#34;: 1}</code>" in tree


def test_long_list_is_divided_into_groups() -> None:
    tree = json_tree([{"n": [number]} for number in range(250)])
    for title in ("0 … 99", "100 … 199", "200 … 249"):
        assert f"<summary>{title}</summary>" in tree


def test_deep_json_ends_as_text() -> None:
    value: Any = "end"
    for _ in range(400):
        value = {"inner": value, "text": "x" * 100}
    tree = json_tree(value)
    assert tree.count("<details") == 30
    assert tree.count("&#34;inner&#34;") > 300
