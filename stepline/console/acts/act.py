"""Describes acts, and the documents of their pages.

{
  "title", "isLive",
  "action": the address to which the form is sent,
  "consequences": [sentences: what exactly will happen],
  "obstacle": why it cannot be done now, or null,
  "fields": {name: value},                what the form sends in any case
  "choice": {"name", "legend", "options": [{"value", "label", "detail"}]} or null,
  "reason": {"label", "maxCharacters"} or null,
  "button": its text, "isDangerous": whether it is red,
  "back": the address of the page that the act is about,
  "error": why the act was refused, or null
}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from stepline.console.pages import Console, Document, NotAllowedError, Page, PageNotFoundError, Query, Read
from stepline.core.errors import UsageError

REASON_FIELD: Final = "reason"


@dataclass(frozen=True)
class Act:
    """`perform` acts, and returns the address of the page that shows the effect.

    It gets what the form sent as the arguments of a query; `page` reads the same query. `obstacle` and
    `error` are members of the page's document. `has_page` is false if other pages have the form.
    """

    path: str
    page: Page
    perform: Callable[[Console, Query], str]
    has_page: bool = True


@dataclass(frozen=True)
class Choice:
    name: str
    legend: str
    options: tuple[tuple[str, str, str], ...]
    """Value, label, and what it means; the first one is chosen."""

    def members(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "legend": self.legend,
            "options": [
                {"value": value, "label": label, "detail": detail} for value, label, detail in self.options
            ],
        }

    def chosen(self, query: Query) -> str:
        """Return what the form sent. Raises UsageError if it is no option."""
        value = query.arguments.get(self.name, "")
        if value not in {option[0] for option in self.options}:
            raise UsageError(f"choose one of: {', '.join(option[1] for option in self.options)}")
        return value


@dataclass(frozen=True)
class Question:
    """What the page of an act asks. `max_reason_characters`: None if the act takes no reason."""

    title: str
    consequences: Sequence[str]
    button: str
    back: str
    fields: Mapping[str, str]
    obstacle: str | None = None
    choice: Choice | None = None
    max_reason_characters: int | None = None
    is_dangerous: bool = False

    def document(self, action: str) -> Document:
        """`action` is the address to which the form is sent."""
        limit = self.max_reason_characters
        return {
            "title": self.title,
            "action": action,
            "isLive": True,
            "consequences": list(self.consequences),
            "obstacle": self.obstacle,
            "fields": dict(self.fields),
            "choice": self.choice.members() if self.choice else None,
            "reason": {"label": "Reason (optional)", "maxCharacters": limit} if limit else None,
            "button": self.button,
            "isDangerous": self.is_dangerous,
            "back": self.back,
            "error": None,
        }


def new_act(
    name: str, ask: Callable[[Console, Query], Question], perform: Callable[[Console, Query], str]
) -> Act:
    """Return the act at `/acts/<name>`; `ask` is called at each reading."""

    path = f"/acts/{name}"

    def open_(console: Console, query: Query) -> Read:
        require_actions(console)
        return lambda: ask(console, query).document(path)

    return Act(path, Page(path, "act.html", open_), perform)


def require_actions(console: Console) -> None:
    """Raise NotAllowedError if the console was started without `--allow-actions`."""
    if not console.allows_actions:
        command = " ".join(["stepline console --allow-actions", *console.target.command_options])
        raise NotAllowedError(f"this console only reads: start it with `{command}`")


def argument(query: Query, name: str) -> str:
    """Return a part of the query that the act needs. Raises PageNotFoundError."""
    value = query.arguments.get(name, "")
    if not value:
        raise PageNotFoundError(f"the address of this act has no {name}: open it from another page")
    return value


def reason_of(query: Query, max_characters: int) -> str:
    """Return the reason that the user gave. Raises UsageError if it is too long."""
    reason = query.arguments.get(REASON_FIELD, "").strip()
    if len(reason) > max_characters:
        raise UsageError(f"the reason has {len(reason)} characters: at most {max_characters} are possible")
    return reason
