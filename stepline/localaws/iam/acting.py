"""On whose behalf a service of the local AWS calls another one.

A service says `with acting_as(actor):` around its work; the clients that it was given then sign as
a session of the actor's role. Without it they are the service's own, which may do everything.
"""

from __future__ import annotations

import contextvars
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """A service (`states.amazonaws.com`), and the role that it has assumed to do a customer's work.

    `session_name` is the last part of `assumed-role/<role>/<session name>`. `via` is the role that
    assumed `role_arn`, if it was not the service itself.
    """

    service: str
    role_arn: str
    session_name: str
    via: str = ""


_actor: contextvars.ContextVar[Actor | None] = contextvars.ContextVar("actor", default=None)


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """In this thread, and in those that start with a copy of its context."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


def current_actor() -> Actor | None:
    return _actor.get()
