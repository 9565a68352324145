"""Glob patterns, and which pushes start a pipeline with triggers.

The patterns are those of https://docs.aws.amazon.com/codepipeline/latest/userguide/syntax-glob.html.
"""

from __future__ import annotations

from typing import Any

import pytest

from stepline.localaws.codepipeline import globs, triggers
from stepline.localaws.codepipeline.source_changes import SourceChange, SourceKind


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("*.java", ["a.java", ".java"], ["a.javax", "b/a.java"]),
        ("*.*", ["a.b", "."], ["a"]),
        ("*.{java,class}", ["a.java", "a.class"], ["a.jar"]),
        ("foo.?", ["foo.a"], ["foo.", "foo.ab", "foo./"]),
        ("feature/*", ["feature/x"], ["feature/x/y", "feature", "feature/x/"]),
        ("feature/**", ["feature/x", "feature/x/y"], ["feature", "features/x"]),
        ("**", ["a", "a/b/c"], []),
        ("common/**/*.js", ["common/a/b.js", "common/a/b/c.js"], ["common/b.js", "other/a/b.js"]),
        ("**/README.md", ["a/README.md", "a/b/README.md"], ["README.md"]),
        ("v[0-9].x", ["v1.x"], ["va.x", "v10.x"]),
        ("v[!0-9]", ["va"], ["v1", "v/"]),
        ("[*]", ["*"], ["a"]),
        ("a\\*b", ["a*b"], ["aab"]),
        ("release-v1.0", ["release-v1.0"], ["release-v1x0"]),
        ("{main,release/**}", ["main", "release/1/2"], ["mainline"]),
        ("a,b", ["a,b"], ["a"]),
        ("open[", ["open["], []),
    ],
)
def test_glob_patterns(pattern: str, matching: list[str], others: list[str]) -> None:
    assert [text for text in matching + others if globs.matches(pattern, text)] == matching


def push(reference: str, *files: str, is_tag: bool = False) -> SourceChange:
    return SourceChange(
        kind=SourceKind.CONNECTED,
        name="octo/app",
        reference=reference,
        is_tag=is_tag,
        changed_files=lambda: files,
    )


def tag(name: str) -> SourceChange:
    return push(name, is_tag=True)


def only(**criteria: Any) -> dict[str, Any]:
    return {"sourceActionName": "Source", "push": [criteria]}


@pytest.mark.parametrize(
    ("configuration", "change", "expected"),
    [
        (only(branches={"includes": ["main"]}), push("main"), True),
        (only(branches={"includes": ["main"]}), push("develop"), False),
        (only(branches={"includes": ["main"]}), tag("main"), False),
        (only(branches={"excludes": ["main"]}), push("develop"), True),
        (only(branches={"excludes": ["main"]}), push("main"), False),
        (only(branches={"includes": ["f/**"], "excludes": ["f/x*"]}), push("f/y"), True),
        (only(branches={"includes": ["f/**"], "excludes": ["f/x*"]}), push("f/xy"), False),
        (only(tags={"includes": ["v*"]}), tag("v1"), True),
        (only(tags={"includes": ["v*"]}), tag("x1"), False),
        (only(tags={"includes": ["v*"]}), push("v1"), False),
        (only(tags={"excludes": ["*-rc"]}), tag("v1"), True),
        (only(tags={"excludes": ["*-rc"]}), tag("v1-rc"), False),
        (only(filePaths={"includes": ["src/**"]}), push("main", "src/a.py"), True),
        (only(filePaths={"includes": ["src/**"]}), push("main", "docs/a.md"), False),
        (only(filePaths={"includes": ["src/**"]}), push("main", "docs/a.md", "src/a.py"), True),
        (only(filePaths={"excludes": ["**.md"]}), push("main", "a.md", "docs/b.md"), False),
        (only(filePaths={"excludes": ["**.md"]}), push("main", "a.md", "a.py"), True),
        (
            only(branches={"includes": ["main"]}, filePaths={"includes": ["src/**"]}),
            push("main", "src/a.py"),
            True,
        ),
        (
            only(branches={"includes": ["main"]}, filePaths={"includes": ["src/**"]}),
            push("develop", "src/a.py"),
            False,
        ),
        (
            only(branches={"includes": ["main"]}, filePaths={"includes": ["src/**"]}),
            push("main", "docs/a.md"),
            False,
        ),
        (
            {"push": [{"tags": {"includes": ["v*"]}}, {"branches": {"includes": ["main"]}}]},
            push("main"),
            True,
        ),
        (
            {"push": [{"tags": {"includes": ["v*"]}}, {"branches": {"includes": ["main"]}}]},
            tag("v2"),
            True,
        ),
    ],
)
def test_filters_decide_about_a_push(
    configuration: dict[str, Any], change: SourceChange, expected: bool
) -> None:
    assert triggers.starts(configuration, change) is expected
