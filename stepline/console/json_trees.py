"""Shows JSON as a tree that is folded and unfolded by `<details>`, without a script."""

from __future__ import annotations

import json
from typing import Any, Final

from markupsafe import Markup, escape

_MAX_LINE: Final = 80
"""Characters of an object or list that is shown on one line [ours]."""

_MAX_STRING: Final = 2_000
"""Characters of a string that is shown unfolded [ours]."""

_GROUP: Final = 100
"""Members of an object or list that is not divided into groups [ours]."""

_OPEN_LEVELS: Final = 2
"""Levels that are unfolded at first, where an object or list has few members [ours]."""

_OPEN_MEMBERS: Final = 40

_MAX_LEVELS: Final = 30
"""What is nested more deeply is shown as text [ours]."""

_Entries = list[tuple[str, Any]]


def json_tree(value: Any) -> Markup:
    """Return the tree of a JSON value. All text in it is escaped."""
    tree = _Tree()
    tree.add(value, 0)
    return Markup(f'<div class="tree">{"".join(tree.html)}</div>')  # noqa: S704 - each text is escaped


class _Tree:
    """Collects pieces of HTML."""

    def __init__(self) -> None:
        self.html: list[str] = []

    def add(self, value: Any, level: int) -> None:
        if isinstance(value, str):
            self._add_string(value)
        elif not isinstance(value, dict | list):
            self._add_text("code", json.dumps(value))
        elif (line := _line(value)) is not None:
            self._add_text("code", line)
        elif level == _MAX_LEVELS:
            self._add_text("pre", json.dumps(value, indent=2, ensure_ascii=False))
        else:
            self._add_entries(_entries(value), level)

    def _add_text(self, tag: str, text: str) -> None:
        self.html.append(f"<{tag}>{escape(text)}</{tag}>")

    def _add_string(self, text: str) -> None:
        if len(text) > _MAX_STRING:
            self.html.append(f"<details><summary>text of {len(text):,} characters</summary>")
            self._add_text("pre", text)
            self.html.append("</details>")
        elif "\n" in text:
            self._add_text("pre", text)
        else:
            self._add_text("code", json.dumps(text, ensure_ascii=False))

    def _add_entries(self, entries: _Entries, level: int) -> None:
        self.html.append("<ul>")
        if len(entries) <= _GROUP:
            for name, value in entries:
                self.html.append("<li>")
                self._add_entry(name, value, level)
                self.html.append("</li>")
        else:
            for begin in range(0, len(entries), _GROUP):
                self._add_group(entries[begin : begin + _GROUP], level)
        self.html.append("</ul>")

    def _add_group(self, entries: _Entries, level: int) -> None:
        title = escape(f"{entries[0][0]} … {entries[-1][0]}")
        self.html.append(f"<li><details><summary>{title}</summary>")
        self._add_entries(entries, level)
        self.html.append("</details></li>")

    def _add_entry(self, name: str, value: Any, level: int) -> None:
        key = f'<span class="key">{escape(name)}</span>'
        if not isinstance(value, dict | list) or _line(value) is not None:
            self.html.append(f"{key}: ")
            self.add(value, level)
            return
        what = "member" if isinstance(value, dict) else "item"
        is_open = " open" if level + 1 < _OPEN_LEVELS and len(value) <= _OPEN_MEMBERS else ""
        count = f'<span class="quiet">{len(value)} {what}{"" if len(value) == 1 else "s"}</span>'
        self.html.append(f"<details{is_open}><summary>{key} {count}</summary>")
        self.add(value, level + 1)
        self.html.append("</details>")


def _line(value: dict[str, Any] | list[Any]) -> str | None:
    """Return the value on one line if it is short and has nothing nested."""
    items = value.values() if isinstance(value, dict) else value
    if len(value) > _MAX_LINE // 2 or any(isinstance(item, dict | list) and item for item in items):
        return None
    line = json.dumps(value, ensure_ascii=False)
    return line if len(line) <= _MAX_LINE else None


def _entries(value: dict[str, Any] | list[Any]) -> _Entries:
    if isinstance(value, dict):
        return list(value.items())
    return [(str(index), item) for index, item in enumerate(value)]
