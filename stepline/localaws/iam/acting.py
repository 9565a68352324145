"""The role as which a service of the local AWS calls another service.

Within `with acting_as(actor):` the clients of a service sign as a session of the actor's role; outside they
sign as the service itself, which is unrestricted.
"""

from __future__ import annotations

import contextvars
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """A service (`states.amazonaws.com`) and the customer's role that it has assumed.

    `session_name` is the last part of `assumed-role/<role>/<session name>`. `via` is the role that
    assumed `role_arn`, if it was not the service itself, with the `external_id` that the service sends then.
    """

    service: str
    role_arn: str
    session_name: str
    via: str = ""
    external_id: str = ""


_actor: contextvars.ContextVar[Actor | None] = contextvars.ContextVar("actor", default=None)


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Act as `actor` in this thread, and in those that start with a copy of its context."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


def current_actor() -> Actor | None:
    return _actor.get()
