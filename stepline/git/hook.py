"""Installs a pre-push hook that deploys definitions, and finds the definitions that a push changes.

The definitions and their stacks are in the repository's own git configuration. git passes a line of `<local
ref> <local object> <remote ref> <remote object>` for each pushed ref to the hook's standard input; if the
hook fails, nothing is pushed: https://git-scm.com/docs/githooks#_pre_push
"""

from __future__ import annotations

import shlex
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Final, Self

from stepline.core.errors import UsageError
from stepline.git.client import Git

_NAME: Final = "pre-push"
_SECTION: Final = "stepline-workflow"
_MARK: Final = "# Made by `stepline workflow hook install`."
_EXECUTABLE: Final = 0o755
_SET_OR_NOT: Final = (0, 1, 5)
"""Exit codes of `git config`: 1 if no variable is found, 5 if the variable to unset is not set."""
_FIELDS_OF_A_LINE: Final = 4


@dataclass(frozen=True)
class HookedDefinition:
    """A definition that pushes deploy. `file` is relative to the repository; empty members are not set."""

    file: str
    stack: str
    state_machine: str = ""
    branch: str = "main"
    updater: str = ""
    endpoint_url: str = ""
    region: str = ""
    profile: str = ""


@dataclass(frozen=True)
class PushedRef:
    """A ref that is about to be pushed. An object id of zeros means that there is no object."""

    local_object: str
    remote_ref: str
    remote_object: str


@dataclass(frozen=True)
class Repository:
    """A git repository with a working tree."""

    git: Git

    @classmethod
    def containing(cls, path: Path) -> Self:
        """Return the repository that contains `path`. Raises UsageError if there is none."""
        folder = path if path.is_dir() else path.absolute().parent
        arguments = ("rev-parse", "--show-toplevel")
        if not folder.is_dir() or not (top := Git(folder).text(*arguments, exit_codes=range(256))):
            raise UsageError(f"{path} is not in a git repository")
        return cls(Git(Path(top).resolve()))

    @property
    def folder(self) -> Path:
        return self.git.folder

    def relative_path(self, file: Path) -> str:
        """Return the path of `file` as git names it. Raises UsageError for a file outside the repository."""
        try:
            return PurePosixPath(file.resolve().relative_to(self.folder)).as_posix()
        except ValueError as error:
            raise UsageError(f"{file} is not in the git repository {self.folder}") from error

    @property
    def hook_file(self) -> Path:
        """The file that git runs before a push; core.hooksPath may move it."""
        return self.folder / self.git.text("rev-parse", "--git-path", f"hooks/{_NAME}")


def install(repository: Repository, definition: HookedDefinition) -> Path:
    """Let pushes deploy the definition, and return the hook's file. Raises UsageError for another hook."""
    path = repository.hook_file
    if path.exists() and not _is_own_hook(path):
        raise UsageError(
            f'{path} exists already: call this from it, with its standard input: {_command()} "$@"'
        )
    for name in _setting_names():
        variable, value = _variable(definition.file, name), getattr(definition, name)
        if value:
            repository.git.run("config", "--local", variable, value)
        else:
            repository.git.run("config", "--local", "--unset", variable, exit_codes=_SET_OR_NOT)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\n{_MARK}\nexec {_command()} "$@"\n')
    path.chmod(_EXECUTABLE)
    return path


def uninstall(repository: Repository, file: str) -> None:
    """Stop deploying `file`, and delete the hook after the last file. Raises UsageError if not installed."""
    if file not in {definition.file for definition in list_definitions(repository)}:
        raise UsageError(f"no hook deploys {file}")
    repository.git.run("config", "--local", "--remove-section", f"{_SECTION}.{file}")
    path = repository.hook_file
    if not list_definitions(repository) and path.exists() and _is_own_hook(path):
        path.unlink()


def list_definitions(repository: Repository) -> list[HookedDefinition]:
    """Return the definitions that pushes deploy."""
    arguments = ("config", "--local", "--null", "--get-regexp", rf"^{_SECTION}\.")
    values: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for item in repository.git.text(*arguments, exit_codes=_SET_OR_NOT).split("\0")[:-1]:
        variable, _, value = item.partition("\n")
        file, _, name = variable.removeprefix(f"{_SECTION}.").rpartition(".")
        values[file][name.replace("-", "_")] = value
    return [
        HookedDefinition(file=file, **{name: settings.get(name, "") for name in _setting_names()})
        for file, settings in values.items()
        if "stack" in settings
    ]


def parse_pushed_refs(text: str) -> list[PushedRef]:
    """Parse the standard input of the hook. Raises UsageError for anything else."""
    refs = []
    for line in text.splitlines():
        parts = line.split(" ")
        if len(parts) != _FIELDS_OF_A_LINE:
            raise UsageError("only git calls this command, before it pushes")
        refs.append(PushedRef(*parts[1:]))
    return refs


def changed_definitions(
    repository: Repository, refs: Sequence[PushedRef]
) -> Iterator[tuple[HookedDefinition, bytes]]:
    """Yield each definition that the refs change, with the content of its file in the pushed commit."""
    for definition in list_definitions(repository):
        for ref in refs:
            if ref.remote_ref == f"refs/heads/{definition.branch}" and _changes(
                repository.git, ref, definition.file
            ):
                yield (
                    definition,
                    repository.git.run("cat-file", "blob", f"{ref.local_object}:{definition.file}"),
                )


def _changes(git: Git, ref: PushedRef, file: str) -> bool:
    """Whether the ref changes `file`; always if the remote commit is missing here, or has no such file."""
    if not _has_file(git, ref.local_object, file):
        return False
    if not _has_file(git, ref.remote_object, file):
        return True
    commits = (ref.remote_object, ref.local_object)
    return not git.succeeds("diff", "--quiet", "--no-ext-diff", *commits, "--", file)


def _has_file(git: Git, commit: str, file: str) -> bool:
    """Whether the commit exists here and has the file; false for an object id of zeros."""
    return git.succeeds("cat-file", "-e", f"{commit}:{file}")


def _setting_names() -> list[str]:
    return [field.name for field in fields(HookedDefinition) if field.name != "file"]


def _variable(file: str, setting: str) -> str:
    """Return the name of a git variable, which has no underscores; the part between the dots is free text."""
    return f"{_SECTION}.{file}.{setting.replace('_', '-')}"


def _is_own_hook(path: Path) -> bool:
    return _MARK in path.read_text(errors="replace")


def _command() -> str:
    return f"{shlex.quote(sys.executable)} -m stepline workflow hook run"
