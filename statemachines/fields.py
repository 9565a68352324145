"""Reads JSON objects member by member; says in one sentence what is wrong with one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from stepline.core.errors import InvalidInputError
from stepline.core.text import is_unicode, quoted

JsonObject = Mapping[str, Any]

_TYPE_NAMES = {bool: "a boolean", int: "a number", float: "a number", str: "text", list: "a list"}
_MAX_NAMES = 20


class Fields:
    """The members of one JSON object. `where` names the object in error messages ("the input").

    A member that is null counts as absent. Every method raises `InvalidInputError`.
    """

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, Mapping):
            raise InvalidInputError(
                f"{_sentence(where)} must be a JSON object, but it is {_type_name(value)}."
            )
        self._members: Mapping[str, Any] = {
            key: member for key, member in value.items() if member is not None
        }
        self.where = where

    def allow_only(self, names: Collection[str]) -> None:
        """Refuse a member that nobody reads: it is a mistake in writing."""
        for name in self._members:
            if name not in names:
                raise InvalidInputError(
                    f"{_sentence(self.where)} has the unknown key {quoted(name)}; "
                    f"known are {', '.join(names)}."
                )

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def text(self, name: str) -> str:
        value = self._required(name)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(name, "must be text that is not blank", value)
        return self._unicode(name, value)

    def text_or_empty(self, name: str) -> str:
        return self.text(name) if self._members.get(name) != "" and name in self._members else ""

    def count(self, name: str) -> int:
        value = self._required(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.wrong(name, "must be a whole number that is not negative", value)
        return value

    def moment(self, name: str) -> datetime:
        """A time as `datetime.isoformat` writes it."""
        text = self.text(name)
        try:
            return datetime.fromisoformat(text)
        except ValueError as error:
            raise self.wrong(name, "must be a time", text) from error

    def flag(self, name: str) -> bool:
        value = self._members.get(name, False)
        if not isinstance(value, bool):
            raise self.wrong(name, "must be true or false", value)
        return value

    def value(self, name: str) -> object:
        """The member as it is, for somebody else to take apart."""
        return self._required(name)

    def section(self, name: str) -> Fields:
        return Fields(self._required(name), f'"{name}" in {self.where}')

    def texts(self, name: str) -> dict[str, str]:
        """An object of scalars as text: numbers and booleans as JSON writes them, lists joined by commas."""
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
        """Its error does not show what stands there instead, which may be a secret."""
        value = self._members.get(name)
        if value is not None and not isinstance(value, Mapping):
            raise self.problem(name, f"must be an object, but it is {_type_name(value)}")
        return value

    def wrong(self, name: str, rule: str, value: object) -> InvalidInputError:
        """`value`, if it is text, is shown."""
        shown = quoted(value) if isinstance(value, str) else _type_name(value)
        return self.problem(name, f"{rule}, but it is {shown}")

    def problem(self, name: str, problem: str) -> InvalidInputError:
        return InvalidInputError(f"{quoted(name)} in {self.where} {problem}.")

    def _required(self, name: str) -> Any:
        if name not in self._members:
            raise InvalidInputError(f'{_sentence(self.where)} lacks "{name}".')
        return self._members[name]

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
        """`text`, which AWS's clients could not send if it were none."""
        if not is_unicode(text):
            raise self.problem(name, "must be Unicode text")
        return text


def named(names: Collection[str]) -> str:
    """The names in quotes, sorted, as many as a reader can take in."""
    shown = [quoted(name) for name in sorted(names)[:_MAX_NAMES]]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def _sentence(where: str) -> str:
    return where[:1].upper() + where[1:]


def _type_name(value: object) -> str:
    return "null" if value is None else _TYPE_NAMES.get(type(value), "an object")
