"""The names of the errors that functions may end with."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from stepline.core.errors import SteplineError


def known_errors() -> frozenset[str]:
    """All of ours, of the systems that are loaded so far."""
    return _known(len(SteplineError.__subclasses__()))


@cache
def _known(_loaded: int) -> frozenset[str]:
    return frozenset(_names(SteplineError)) | frozenset(_names(SteplineError))


def _names(base: type[Exception]) -> Iterator[str]:
    for subclass in base.__subclasses__():
        yield subclass.__name__
        yield from _names(subclass)
