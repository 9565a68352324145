"""Describes pages: each has an address, a document that it shows, and a template.

The document is what the page's JSON twin returns: the template shows nothing else. Its members are plain
JSON values in camelCase; times are ISO 8601 in UTC with milliseconds, durations are seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from stepline.aws.target import Target
from stepline.core.errors import UsageError

Document = dict[str, Any]
"""`title` and `isLive` (false if it has ended, and is hardly read again) are in every document."""

Read = Callable[[], Document]
"""Reads the document anew. It keeps between two calls what cannot change any more."""


_Kept = TypeVar("_Kept")


class PageNotFoundError(UsageError):
    """What the address names does not exist."""


class NotAllowedError(UsageError):
    """The console may not do this, or does not know that its user wants it."""


@dataclass(frozen=True)
class Console:
    """What pages have in common. `act_token` is part of every form: see `protection`."""

    target: Target
    allows_actions: bool
    act_token: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _kept: dict[object, object] = field(default_factory=dict, repr=False, compare=False)

    def keep(self, create: Callable[[Target], _Kept]) -> _Kept:
        """Return what `create` returned at the first call: pages share it until the console ends."""
        if create not in self._kept:
            self._kept.setdefault(create, create(self.target))
        return cast("_Kept", self._kept[create])


@dataclass(frozen=True)
class Query:
    """What an address names: `path` has the parts of the path, `arguments` those of the query."""

    path: Mapping[str, str]
    arguments: Mapping[str, str]

    def number(self, name: str, default: int) -> int:
        """Return a whole number from 0 on; the default for anything else."""
        text = self.arguments.get(name, "")
        return int(text) if text.isdecimal() and len(text) < 9 else default


@dataclass(frozen=True)
class Page:
    """`path` is that of Starlette's routes; its JSON twin has `.json` behind it.

    `open` returns the function that reads the document; it may take the query's names on trust, and raises
    PageNotFoundError, UsageError or botocore's errors, as that function does.
    """

    path: str
    template: str
    open: Callable[[Console, Query], Read]
