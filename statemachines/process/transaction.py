"""One call of the process: whose it is, and its id.

The owner is the API key that started it. It is part of everything that a transaction is found by (the
object's key, the execution's name), so that a caller who names somebody else's finds nothing.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Final, Self

from stepline.core.errors import InvalidInputError
from stepline.core.text import quoted

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_OWNER = re.compile(r"[0-9A-Za-z]{1,40}")
"""The id of an API key: AWS makes them of ten letters and digits. With the transaction's id it must fit into
the 80 characters of an execution's name."""
_PREFIX: Final = "transactions/"


@dataclass(frozen=True)
class Transaction:
    """As text it is `<owner>/<id>`, which is all that travels through the workflow."""

    owner: str
    id: str

    @classmethod
    def fresh(cls, owner: str) -> Self:
        return cls(owner, str(uuid.uuid4()))

    @classmethod
    def of(cls, owner: str, id_: str) -> Self:
        """Raises `InvalidInputError` for an id that start-process never answers."""
        if not _ID.fullmatch(id_):
            raise InvalidInputError(
                f'"transactionId" must be one that start-process has answered, but it is {quoted(id_)}.'
            )
        return cls(owner, id_)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `InvalidInputError`."""
        owner, _, id_ = text.partition("/")
        if not is_owner(owner):
            raise InvalidInputError(f'"transaction" must be <owner>/<id>, but it is {quoted(text)}.')
        return cls.of(owner, id_)

    def __str__(self) -> str:
        return f"{self.owner}/{self.id}"

    @property
    def key(self) -> str:
        """Of the object that holds its data."""
        return f"{_PREFIX}{self}.json"

    @property
    def execution_name(self) -> str:
        """Of its one execution of each state machine: whoever starts it twice starts it once."""
        return f"{self.owner}-{self.id}"


def is_owner(text: str) -> bool:
    """Whether `text` can be the id of an API key."""
    return _OWNER.fullmatch(text) is not None
