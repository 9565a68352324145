"""The names of the errors with which functions may end."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from stepline.core.errors import SteplineError


def known_errors() -> frozenset[str]:
    """Return the names of all errors of stepline in the modules that are loaded so far."""
    return _known_errors(len(SteplineError.__subclasses__()))


@cache
def _known_errors(_loaded: int) -> frozenset[str]:
    return frozenset(_names(SteplineError))


def _names(base: type[Exception]) -> Iterator[str]:
    for subclass in base.__subclasses__():
        yield subclass.__name__
        yield from _names(subclass)
