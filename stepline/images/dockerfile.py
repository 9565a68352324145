"""The part of a Dockerfile's language that needs no container engine.

https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from stepline.core.errors import UsageError

_IGNORED = frozenset({"EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "STOPSIGNAL", "USER"})
"""They say nothing about how the program is run as a process of this machine."""

_UNDERSTOOD = "FROM, WORKDIR, COPY, ENV, ENTRYPOINT and CMD"
_VARIABLE = re.compile(r"\$\{?\w+")


@dataclass(frozen=True)
class Copy:
    """`destination` is absolute; it is a folder if it ends with `/`."""

    sources: tuple[str, ...]
    destination: str


@dataclass(frozen=True)
class Dockerfile:
    copies: tuple[Copy, ...] = ()
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    working_directory: str = "/"


def parse_dockerfile(text: str) -> Dockerfile:
    """Raises UsageError, with the line's number, for what cannot be done without a container engine."""
    result: Dockerfile | None = None
    for number, line in _instructions(text):
        word, _, rest = line.partition(" ")
        try:
            result = _follow(result, word.upper(), rest.strip())
        except UsageError as error:
            raise UsageError(
                f"line {number} of the Dockerfile: {error}. "
                f"Without a container engine only {_UNDERSTOOD} work"
            ) from error
    if result is None:
        raise UsageError("the Dockerfile has no FROM")
    if not result.entrypoint and not result.command:
        raise UsageError("the Dockerfile has neither ENTRYPOINT nor CMD: it says no program to run")
    return result


def _follow(file: Dockerfile | None, name: str, rest: str) -> Dockerfile:
    """What the Dockerfile says after one more instruction; None is before FROM."""
    if name == "FROM":
        _check(file is None, "several FROM")
        return Dockerfile()
    _check(name in _INSTRUCTIONS or name in _IGNORED, name)
    if file is None:
        raise UsageError(f"{name} before FROM is not understood")
    return file if name in _IGNORED else _INSTRUCTIONS[name](file, rest)


def _instructions(text: str) -> list[tuple[int, str]]:
    """Number of the first line, and text, of each instruction, without comments and continued lines."""
    found: list[tuple[int, str]] = []
    begun: tuple[int, str] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        first, before = begun or (number, "")
        if stripped.endswith("\\"):
            begun = (first, f"{before}{stripped[:-1].strip()} ")
        else:
            found.append((first, before + stripped))
            begun = None
    return [*found, begun] if begun else found


def _workdir(file: Dockerfile, rest: str) -> Dockerfile:
    _check(rest != "" and not _VARIABLE.search(rest), f"WORKDIR {rest}")
    return replace(file, working_directory=_absolute(rest, file.working_directory))


def _copy(file: Dockerfile, rest: str) -> Dockerfile:
    words = list(_words(rest))
    options = [word for word in words if word.startswith("--")]
    _check(all(word.startswith(("--chown=", "--chmod=")) for word in options), f"COPY {' '.join(options)}")
    names = words[len(options) :]
    _check(len(names) > 1 and not _VARIABLE.search(rest), f"COPY {rest}")
    *sources, destination = names
    end = "/" if destination.endswith("/") or destination == "." or len(sources) > 1 else ""
    place = _absolute(destination, file.working_directory).rstrip("/") + end
    return replace(file, copies=(*file.copies, Copy(tuple(sources), place or "/")))


def _env(file: Dockerfile, rest: str) -> Dockerfile:
    pairs = [word.partition("=") for word in _words(rest)]
    _check(all(sign for _, sign, _ in pairs) and not _VARIABLE.search(rest), f"ENV {rest}")
    return replace(file, environment={**file.environment, **{name: value for name, _, value in pairs}})


def _entrypoint(file: Dockerfile, rest: str) -> Dockerfile:
    return replace(file, entrypoint=_command_words(rest))


def _cmd(file: Dockerfile, rest: str) -> Dockerfile:
    return replace(file, command=_command_words(rest))


def _command_words(rest: str) -> tuple[str, ...]:
    """A JSON list is run as it is, any other text by a shell."""
    return _words(rest) if rest.startswith("[") else ("/bin/sh", "-c", rest)


def _words(rest: str) -> tuple[str, ...]:
    try:
        words = json.loads(rest) if rest.startswith("[") else shlex.split(rest)
    except ValueError as error:
        raise UsageError(f"{rest!r} cannot be read: {error}") from error
    _check(all(isinstance(word, str) for word in words), rest)
    return tuple(words)


def _absolute(path: str, folder: str) -> str:
    joined = PurePosixPath(folder) / path
    _check(".." not in joined.parts, path)
    return str(joined)


def _check(is_understood: bool, what: str) -> None:
    if not is_understood:
        raise UsageError(f"{what} is not understood")


_INSTRUCTIONS: dict[str, Callable[[Dockerfile, str], Dockerfile]] = {
    "CMD": _cmd,
    "COPY": _copy,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "WORKDIR": _workdir,
}
