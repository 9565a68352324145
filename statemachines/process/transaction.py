"""The transaction of one run of the process: its owner and its id.

The owner is the API key that started it. The object's key and the execution's name contain it, so a caller
finds only own transactions.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass
from typing import Final, Self

from stepline.core.errors import InvalidInputError
from stepline.core.text import quoted

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_OWNER = re.compile(r"[0-9A-Za-z]{1,40}")
"""The id of an API key; AWS's ids have ten letters and digits. With the transaction's id it must fit into the
80 characters of an execution's name."""
_PREFIX: Final = "transactions/"


@dataclass(frozen=True)
class Transaction:
    """A transaction. The workflow passes it as text, `<owner>/<id>`."""

    owner: str
    id: str

    @classmethod
    def new(cls, owner: str) -> Self:
        return cls(owner, str(uuid.uuid4()))

    @classmethod
    def named(cls, owner: str, name: str) -> Self:
        """Return the transaction of this name, which always has the same id."""
        digest = hashlib.sha256(name.encode()).digest()
        return cls(owner, str(uuid.UUID(bytes=digest[:16], version=4)))

    @classmethod
    def of(cls, owner: str, id_: str) -> Self:
        """Return the transaction. Raise `InvalidInputError` for an id that start-process never returns."""
        if not _ID.fullmatch(id_):
            raise InvalidInputError(
                f'"transactionId" must be one that start-process has returned, but it is {quoted(id_)}.'
            )
        return cls(owner, id_)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `<owner>/<id>`. Raise `InvalidInputError`."""
        owner, _, id_ = text.partition("/")
        if not is_owner(owner):
            raise InvalidInputError(f'"transaction" must be <owner>/<id>, but it is {quoted(text)}.')
        return cls.of(owner, id_)

    def __str__(self) -> str:
        return f"{self.owner}/{self.id}"

    @property
    def key(self) -> str:
        """The key of the object with its data."""
        return f"{_PREFIX}{self}.json"

    @property
    def execution_name(self) -> str:
        """The name of its execution of either state machine, which makes the start idempotent."""
        return f"{self.owner}-{self.id}"


def is_owner(text: str) -> bool:
    """Return whether `text` can be the id of an API key."""
    return _OWNER.fullmatch(text) is not None
