"""The glob patterns of triggers.

https://docs.aws.amazon.com/codepipeline/latest/userguide/syntax-glob.html: the syntax of Java's PathMatcher.
"""

from __future__ import annotations

import re
from functools import cache

_CLASS = re.compile(r"\[(!?)([^\]]*)\]")


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    parts: list[str] = []
    position, depth = 0, 0
    while position < len(pattern):
        character = pattern[position]
        if pattern.startswith("**", position):
            parts.append(".*")
            position += 1
        elif character == "*":
            parts.append("[^/]*")
        elif character == "?":
            parts.append("[^/]")
        elif character == "[" and (found := _CLASS.match(pattern, position)):
            parts.append(_character_class(found))
            position = found.end() - 1
        elif character == "{":
            parts.append("(?:")
            depth += 1
        elif character == "}" and depth:
            parts.append(")")
            depth -= 1
        elif character == "," and depth:
            parts.append("|")
        else:
            if character == "\\" and position + 1 < len(pattern):
                position += 1
            parts.append(re.escape(pattern[position]))
        position += 1
    return re.compile("".join(parts) + ")" * depth, re.DOTALL)


def _character_class(found: re.Match[str]) -> str:
    excluded = "^" if found[1] else ""
    members = found[2].replace("\\", "\\\\").replace("^", "\\^").replace("[", "\\[")
    return f"(?!/)[{excluded}{members}]" if members else re.escape(found[0])


def matches(pattern: str, text: str) -> bool:
    """Return whether the whole of `text`, a branch, tag or path, matches the pattern."""
    return _compile(pattern).fullmatch(text) is not None
