"""Reads the members of JSON objects and checks their types."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from stepline.core.errors import InvalidInputError, SteplineError
from stepline.core.text import is_unicode, quoted

JsonObject = Mapping[str, Any]

_TYPE_NAMES = {bool: "a boolean", int: "a number", float: "a number", str: "text", list: "a list"}
_MAX_LISTED_NAMES = 20


class Fields:
    """The members of a JSON object.

    `where` names the document in error messages ("the input"), `path` the place of the object in it
    ("stack.progress"). A member that is null counts as absent. Every method raises `error`.
    """

    def __init__(
        self,
        value: object,
        where: str,
        path: str = "",
        *,
        error: type[SteplineError] = InvalidInputError,
    ) -> None:
        self._name = f"{quoted(path)} in {where}" if path else where[:1].upper() + where[1:]
        if not isinstance(value, Mapping):
            raise error(f"{self._name} must be a JSON object, but it is {_type_name(value)}.")
        self._members: Mapping[str, Any] = {
            key: member for key, member in value.items() if member is not None
        }
        self._where = where
        self._path = path
        self._error = error

    def allow_only(self, names: Collection[str]) -> None:
        """Raise an error if there is any other member, which is probably misspelled."""
        for name in self._members:
            if name not in names:
                raise self._error(
                    f"{self._name} has the unknown key {quoted(name)}; known are {', '.join(names)}."
                )

    def __contains__(self, name: str) -> bool:
        return name in self._members

    @property
    def is_blank(self) -> bool:
        """Whether all members are absent or empty."""
        return not any(self._members.values())

    def text(self, name: str) -> str:
        """Return text that is not blank."""
        value = self.value(name)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(name, "must be text that is not blank", value)
        return self._unicode(name, value)

    def text_or_empty(self, name: str) -> str:
        return self.text(name) if self._members.get(name) != "" and name in self._members else ""

    def text_or_none(self, name: str) -> str | None:
        """Return any text, also blank, or None if it is absent."""
        value = self._members.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.wrong(name, "must be text", value)
        return self._unicode(name, value)

    def count(self, name: str) -> int:
        value = self.value(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.wrong(name, "must be a whole number that is not negative", value)
        return value

    def moment(self, name: str) -> datetime:
        """Return a time that `datetime.isoformat` has written."""
        text = self.text(name)
        try:
            return datetime.fromisoformat(text)
        except ValueError as error:
            raise self.wrong(name, "must be a time", text) from error

    def flag(self, name: str) -> bool:
        """Return true or false; false if it is absent."""
        value = self._members.get(name, False)
        if not isinstance(value, bool):
            raise self.wrong(name, "must be true or false", value)
        return value

    def value(self, name: str) -> Any:
        """Return the member unchecked, whatever its type."""
        if name not in self._members:
            raise self._error(f"{self._name} lacks {quoted(name)}.")
        return self._members[name]

    def section(self, name: str) -> Fields:
        """Return the members of an inner object."""
        return self._inner(self.value(name), name)

    def sections(self, name: str) -> list[Fields]:
        """Return the objects of a list, none if it is absent or empty."""
        items = self._members.get(name) or []
        if not isinstance(items, list):
            raise self.wrong(name, "must be a list", items)
        return [self._inner(item, f"{name}[{index}]") for index, item in enumerate(items)]

    def texts(self, name: str) -> dict[str, str]:
        """Return an object of scalars as text: numbers and booleans as in JSON, lists joined by commas."""
        value = self.object_or_none(name) or {}
        return {
            self._unicode(f"{name}.{key}", key): self._scalars(f"{name}.{key}", member)
            for key, member in value.items()
        }

    def text_list(self, name: str) -> tuple[str, ...]:
        value = self._members.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(name, "must be a list of texts", value)
        return tuple(value)

    def object_or_none(self, name: str) -> Mapping[str, Any] | None:
        """Return an object as it is. The error does not show any other value, which may be a secret."""
        value = self._members.get(name)
        if value is not None and not isinstance(value, Mapping):
            raise self.problem(name, f"must be an object, but it is {_type_name(value)}")
        return value

    def wrong(self, name: str, rule: str, value: object) -> SteplineError:
        """Return the error for a value that breaks a rule. It shows the value if that is text."""
        shown = quoted(value) if isinstance(value, str) else _type_name(value)
        return self.problem(name, f"{rule}, but it is {shown}")

    def problem(self, name: str, problem: str) -> SteplineError:
        """Return the error for a member; `problem` is the rest of the sentence."""
        return self._error(f"{quoted(self._full(name))} in {self._where} {problem}.")

    def _inner(self, value: object, name: str) -> Fields:
        return Fields(value, self._where, self._full(name), error=self._error)

    def _full(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def _scalars(self, name: str, value: object) -> str:
        if isinstance(value, list):
            return ",".join(self._scalar(name, item) for item in value)
        return self._scalar(name, value)

    def _scalar(self, name: str, value: object) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (str, int, float)):
            return self._unicode(name, str(value))
        raise self.wrong(name, "must be text, a number, a boolean or a list of them", value)

    def _unicode(self, name: str, text: str) -> str:
        """Return `text` if AWS's clients can send it."""
        if not is_unicode(text):
            raise self.problem(name, "must be Unicode text")
        return text


def listed_names(names: Collection[str]) -> str:
    """Return the names in quotes and sorted; of many names only the first 20 and how many more there are."""
    shown = [quoted(name) for name in sorted(names)[:_MAX_LISTED_NAMES]]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def _type_name(value: object) -> str:
    return "null" if value is None else _TYPE_NAMES.get(type(value), "an object")
