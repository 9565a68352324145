"""Parses the instructions of a Dockerfile that need no container engine.

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
"""Instructions without effect on a program that runs as a process of this machine."""

_SUPPORTED = "FROM, WORKDIR, COPY, ENV, ENTRYPOINT and CMD"
_VARIABLE = re.compile(r"\$\{?\w+")


@dataclass(frozen=True)
class Copy:
    """A COPY instruction; `destination` is absolute, and a folder if it ends with `/`."""

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
    """Raises UsageError, with the line's number, for instructions that need a container engine."""
    result: Dockerfile | None = None
    for number, line in _instructions(text):
        name, _, arguments = line.partition(" ")
        try:
            result = _apply(result, name.upper(), arguments.strip())
        except UsageError as error:
            raise UsageError(
                f"line {number} of the Dockerfile: {error}. "
                f"Without a container engine only {_SUPPORTED} are supported"
            ) from error
    if result is None:
        raise UsageError("the Dockerfile has no FROM")
    if not result.entrypoint and not result.command:
        raise UsageError("the Dockerfile has neither ENTRYPOINT nor CMD: it names no program to run")
    return result


def _apply(file: Dockerfile | None, name: str, arguments: str) -> Dockerfile:
    """Apply one more instruction to the Dockerfile, which is None before FROM."""
    if name == "FROM":
        _check(file is None, "a second FROM")
        return Dockerfile()
    _check(name in _INSTRUCTIONS or name in _IGNORED, name)
    if file is None:
        raise UsageError(f"{name} before FROM is not supported")
    return file if name in _IGNORED else _INSTRUCTIONS[name](file, arguments)


def _instructions(text: str) -> list[tuple[int, str]]:
    """Return the first line's number and the text of each instruction, with continuation lines joined."""
    found: list[tuple[int, str]] = []
    continued: tuple[int, str] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        first, before = continued or (number, "")
        if stripped.endswith("\\"):
            continued = (first, f"{before}{stripped[:-1].strip()} ")
        else:
            found.append((first, before + stripped))
            continued = None
    return [*found, continued] if continued else found


def _workdir(file: Dockerfile, arguments: str) -> Dockerfile:
    _check(arguments != "" and not _VARIABLE.search(arguments), f"WORKDIR {arguments}")
    return replace(file, working_directory=_absolute(arguments, file.working_directory))


def _copy(file: Dockerfile, arguments: str) -> Dockerfile:
    parts = _split(arguments)
    options = [part for part in parts if part.startswith("--")]
    _check(all(part.startswith(("--chown=", "--chmod=")) for part in options), f"COPY {' '.join(options)}")
    names = parts[len(options) :]
    _check(len(names) > 1 and not _VARIABLE.search(arguments), f"COPY {arguments}")
    *sources, destination = names
    end = "/" if destination.endswith("/") or destination == "." or len(sources) > 1 else ""
    path = _absolute(destination, file.working_directory).rstrip("/") + end
    return replace(file, copies=(*file.copies, Copy(tuple(sources), path or "/")))


def _env(file: Dockerfile, arguments: str) -> Dockerfile:
    pairs = [part.partition("=") for part in _split(arguments)]
    _check(all(sign for _, sign, _ in pairs) and not _VARIABLE.search(arguments), f"ENV {arguments}")
    return replace(file, environment={**file.environment, **{name: value for name, _, value in pairs}})


def _entrypoint(file: Dockerfile, arguments: str) -> Dockerfile:
    return replace(file, entrypoint=_command(arguments))


def _cmd(file: Dockerfile, arguments: str) -> Dockerfile:
    return replace(file, command=_command(arguments))


def _command(text: str) -> tuple[str, ...]:
    """Parse the exec form, which is JSON, or the shell form."""
    return _split(text) if text.startswith("[") else ("/bin/sh", "-c", text)


def _split(text: str) -> tuple[str, ...]:
    try:
        parts = json.loads(text) if text.startswith("[") else shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{text!r} cannot be parsed: {error}") from error
    _check(all(isinstance(part, str) for part in parts), text)
    return tuple(parts)


def _absolute(path: str, folder: str) -> str:
    joined = PurePosixPath(folder) / path
    _check(".." not in joined.parts, path)
    return str(joined)


def _check(is_supported: bool, instruction: str) -> None:
    if not is_supported:
        raise UsageError(f"{instruction} is not supported")


_INSTRUCTIONS: dict[str, Callable[[Dockerfile, str], Dockerfile]] = {
    "CMD": _cmd,
    "COPY": _copy,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "WORKDIR": _workdir,
}
