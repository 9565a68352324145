"""A pre-push hook of git that deploys definitions: which, is in the repository's own git configuration.

https://git-scm.com/docs/githooks#_pre_push: git tells the hook, on standard input, a line of `<local ref>
<local object> <remote ref> <remote object>` for each ref that is about to be pushed. If the hook fails,
nothing is pushed.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Final, Self

from stepline.core.errors import UsageError

_NAME: Final = "pre-push"
_SECTION: Final = "stepline-workflow"
_MARK: Final = "# Made by `stepline workflow hook install`."
_EXECUTABLE: Final = 0o755
_NOT_SET: Final = 1  # `git config` exits so for what is not there
_PARTS_OF_A_LINE: Final = 4


@dataclass(frozen=True)
class Entry:
    """One definition that pushes deploy. `file` is relative to the repository; blank is not given."""

    file: str
    stack: str
    state_machine: str = ""
    branch: str = "main"
    updater: str = ""
    endpoint_url: str = ""
    region: str = ""
    profile: str = ""


@dataclass(frozen=True)
class Push:
    """A ref that is about to be pushed; an object of zeros is none."""

    local_object: str
    remote_ref: str
    remote_object: str


@dataclass(frozen=True)
class Repository:
    """A working tree of git."""

    top: Path

    @classmethod
    def around(cls, path: Path) -> Self:
        """Raises UsageError if the path is in no repository."""
        folder = path if path.is_dir() else path.absolute().parent
        answer = _git(folder, "rev-parse", "--show-toplevel") if folder.is_dir() else None
        if answer is None or answer.returncode:
            raise UsageError(f"{path} is in no git repository")
        return cls(Path(answer.stdout.decode().rstrip("\n")).resolve())

    def path_of(self, file: Path) -> str:
        """As git names it. Raises UsageError for a file elsewhere."""
        try:
            return PurePosixPath(file.resolve().relative_to(self.top)).as_posix()
        except ValueError as error:
            raise UsageError(f"{file} is not in the git repository {self.top}") from error

    @property
    def hook(self) -> Path:
        """Where git looks for the hook, whatever core.hooksPath says."""
        return self.top / self.git("rev-parse", "--git-path", f"hooks/{_NAME}").decode().rstrip("\n")

    def git(self, *words: str) -> bytes:
        """What git answers. Raises UsageError with its own words."""
        answer = _git(self.top, *words)
        if answer.returncode:
            reason = " ".join(answer.stderr.decode(errors="replace").split())
            raise UsageError(f"git {words[0]} failed: {reason or answer.returncode}")
        return answer.stdout

    def succeeds(self, *words: str) -> bool:
        return _git(self.top, *words).returncode == 0


def install(repository: Repository, entry: Entry) -> Path:
    """The hook's file. Raises UsageError if there is a hook that is not ours."""
    path = repository.hook
    if path.exists() and not _is_ours(path):
        raise UsageError(
            f"there is a {_NAME} hook already, {path}; call this from it, with its standard input: "
            f'{_command()} "$@"'
        )
    for field in fields(Entry):
        if field.name != "file":
            name, value = _setting(entry.file, field.name), getattr(entry, field.name)
            if value:
                repository.git("config", "--local", name, value)
            else:
                _git(repository.top, "config", "--local", "--unset", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\n{_MARK}\nexec {_command()} "$@"\n')
    path.chmod(_EXECUTABLE)
    return path


def uninstall(repository: Repository, file: str) -> None:
    """Forget the file; with the last one the hook goes, too. Raises UsageError if it is not installed."""
    if file not in {entry.file for entry in entries(repository)}:
        raise UsageError(f"no hook deploys {file}")
    repository.git("config", "--local", "--remove-section", f"{_SECTION}.{file}")
    path = repository.hook
    if not entries(repository) and path.exists() and _is_ours(path):
        path.unlink()


def entries(repository: Repository) -> list[Entry]:
    """All that are installed."""
    words = ("config", "--local", "--null", "--get-regexp", rf"^{_SECTION}\..*\.stack$")
    answer = _git(repository.top, *words)
    if answer.returncode not in (0, _NOT_SET):
        raise UsageError(f"git config failed: {answer.stderr.decode(errors='replace').strip()}")
    names = [item.partition("\n")[0] for item in answer.stdout.decode().split("\0") if item]
    files = [name.removeprefix(f"{_SECTION}.").removesuffix(".stack") for name in names]
    return [_entry(repository, file) for file in files]


def read_pushes(text: str) -> list[Push]:
    """What git tells the hook. Raises UsageError for anything else."""
    pushes = []
    for line in text.splitlines():
        parts = line.split(" ")
        if len(parts) != _PARTS_OF_A_LINE:
            raise UsageError("this is called by git, before it pushes")
        pushes.append(Push(parts[1], parts[2], parts[3]))
    return pushes


def changed_files(repository: Repository, pushes: Sequence[Push]) -> Iterator[tuple[Entry, bytes]]:
    """Each entry whose file the pushes to its branch change, and the file's content in the pushed commit."""
    for entry in entries(repository):
        for push in pushes:
            if push.remote_ref == f"refs/heads/{entry.branch}" and _changes(repository, push, entry.file):
                yield entry, repository.git("cat-file", "blob", f"{push.local_object}:{entry.file}")


def _changes(repository: Repository, push: Push, file: str) -> bool:
    """A branch that is new, or whose commit is not here, counts as changed: nothing is deployed twice."""
    if not push.local_object.strip("0") or not _has(repository, push.local_object, file):
        return False
    if not push.remote_object.strip("0") or not _has(repository, push.remote_object, file):
        return True
    return not repository.succeeds(
        "diff", "--quiet", "--no-ext-diff", push.remote_object, push.local_object, "--", file
    )


def _has(repository: Repository, commit: str, file: str) -> bool:
    return repository.succeeds("cat-file", "-e", f"{commit}:{file}")


def _entry(repository: Repository, file: str) -> Entry:
    values = {}
    for field in fields(Entry):
        if field.name != "file":
            answer = _git(repository.top, "config", "--local", "--get", _setting(file, field.name))
            values[field.name] = answer.stdout.decode().rstrip("\n")
    return Entry(file=file, **values)


def _setting(file: str, name: str) -> str:
    """Names of variables have neither capitals nor underscores; the part between the dots may be anything."""
    return f"{_SECTION}.{file}.{name.replace('_', '-')}"


def _is_ours(path: Path) -> bool:
    return _MARK in path.read_text(errors="replace")


def _command() -> str:
    return f"{shlex.quote(sys.executable)} -m stepline workflow hook run"


def _git(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603
            ["git", *words],  # noqa: S607
            cwd=folder,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise UsageError("git is not installed") from error
