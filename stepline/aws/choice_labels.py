"""Describes the rules of a Choice state briefly: `$.count < 3 and $.name matches "a*"`.

Comparisons: https://states-language.net/spec.html, "Choice State".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from stepline.core.text import one_line, printable

MAX_LABEL_CHARACTERS: Final = 60
"""Of a label beside an arrow [ours]."""

_MAX_DEPTH = 4
"""Levels of And, Or and Not [ours]: of more, nothing would fit into the label."""

_COMPARISON = re.compile(
    r"(?:String|Numeric|Timestamp|Boolean)"
    r"(?P<operator>Equals|LessThanEquals|LessThan|GreaterThanEquals|GreaterThan|Matches)(?P<path>Path)?"
)
_OPERATORS = {
    "Equals": "=",
    "LessThan": "<",
    "LessThanEquals": "<=",
    "GreaterThan": ">",
    "GreaterThanEquals": ">=",
    "Matches": "matches",
}
_TYPE_TESTS = {
    "IsPresent": "present",
    "IsNull": "null",
    "IsString": "text",
    "IsNumeric": "a number",
    "IsBoolean": "true or false",
    "IsTimestamp": "a time",
}
_NO_COMPARISON = frozenset({"Variable", "Next", "Comment", "Assign", "Output"})
_JSONATA = re.compile(r"\{%(.*)%\}", re.DOTALL)


def choice_label(rule: Mapping[str, Any]) -> str:
    """Return the rule's Comment, or else its condition, in at most 60 characters and on one line."""
    comment = rule.get("Comment")
    label = comment if isinstance(comment, str) and comment.strip() else _condition(rule, _MAX_DEPTH)
    return printable(label, MAX_LABEL_CHARACTERS)


def _condition(rule: Any, depth: int) -> str:
    if not isinstance(rule, Mapping) or depth == 0:
        return "…"
    if "Condition" in rule:
        return _jsonata(rule["Condition"])
    if "Not" in rule:
        return f"not ({_condition(rule['Not'], depth - 1)})"
    for operator in ("And", "Or"):
        if isinstance(rule.get(operator), list):
            return _joined(rule[operator], operator.lower(), depth - 1)
    return _comparison(rule)


def _joined(rules: list[Any], operator: str, depth: int) -> str:
    shown = [_condition(rule, depth) for rule in rules[:MAX_LABEL_CHARACTERS]]
    inner = [
        f"({text})" if isinstance(rule, Mapping) and ("And" in rule or "Or" in rule) else text
        for rule, text in zip(rules, shown, strict=False)
    ]
    return f" {operator} ".join(inner)


def _jsonata(condition: Any) -> str:
    if not isinstance(condition, str):
        return json.dumps(condition)
    match = _JSONATA.fullmatch(condition.strip())
    return one_line(match[1] if match else condition)


def _comparison(rule: Mapping[str, Any]) -> str:
    variable = str(rule.get("Variable", ""))
    for name, value in rule.items():
        if name in _TYPE_TESTS:
            return f"{variable} is {'not ' if value is False else ''}{_TYPE_TESTS[name]}"
        if match := _COMPARISON.fullmatch(name):
            shown = str(value) if match["path"] else json.dumps(value, ensure_ascii=False)
            return f"{variable} {_OPERATORS[match['operator']]} {shown}"
    for name, value in rule.items():
        if name not in _NO_COMPARISON:  # one that AWS has added
            return f"{variable} {name} {json.dumps(value, ensure_ascii=False, default=str)}"
    return variable
