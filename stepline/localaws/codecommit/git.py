"""git's plumbing, one method per command.

Nothing that a caller passes can be read as an option or as revision syntax: object ids
are checked to be 40 hex digits, references are given by their full name, paths and
contents travel on standard input or after `--`.

The git processes see only what is in their `home`: no configuration, hook, credential
helper or template of the machine or of the user who runs stepline.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from stepline.errors import UsageError

NO_OBJECT = "0" * 40
"""How git writes "this reference does not exist" where an object id is expected."""

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The id of the tree without entries; git knows it without storing it."""

PUSH_LOG_VARIABLE = "STEPLINE_PUSH_LOG"
"""The post-receive hook writes what a push changed to the file that this environment variable names."""

_OBJECT_ID = re.compile(r"[0-9a-f]{40}")

_NOT_INSTALLED = (
    "git is not installed, or not on PATH; install it (for example `apt-get install git`, "
    "`brew install git` or https://git-scm.com/downloads)"
)
_NO_HTTP_BACKEND = "this git has no http-backend; install the whole git package ({path} is missing)"

_HOOK = f"""#!/bin/sh
# Standard input: a line "<old object id> <new object id> <reference>" for each reference that was changed.
exec cat >"${PUSH_LOG_VARIABLE}"
"""

_ATTRIBUTES = "* -export-ignore -export-subst -text -ident -filter -working-tree-encoding\n"
"""Overrides .gitattributes in `git archive`: an archive holds every file of the commit, byte for byte."""


class ObjectType(StrEnum):
    """The types of git's objects."""

    BLOB = "blob"
    TREE = "tree"
    COMMIT = "commit"
    TAG = "tag"


@dataclass(frozen=True)
class Reference:
    """A branch or a tag: `name` in full, `commit_id` with annotated tags peeled (None: it is no commit)."""

    name: str
    object_id: str
    commit_id: str | None


@dataclass(frozen=True)
class TreeEntry:
    """One entry of a tree; `mode` as git writes it (`100644`), `path` from the root of the repository."""

    mode: str
    type: ObjectType
    object_id: str
    path: str


@dataclass(frozen=True)
class ObjectInfo:
    object_id: str
    type: ObjectType
    size_bytes: int


@dataclass(frozen=True)
class TreeChange:
    """One line of `git diff-tree`: mode `000000` and `NO_OBJECT` where a side does not exist."""

    old_mode: str
    new_mode: str
    old_id: str
    new_id: str
    path: str


class GitError(Exception):
    """A git command failed in a way that its caller did not expect."""

    def __init__(self, command: str, status: int, stderr: str) -> None:
        super().__init__(f"git {command} ended with status {status}: {stderr.strip()}")
        self.command = command
        self.status = status


def is_object_id(text: str) -> bool:
    return _OBJECT_ID.fullmatch(text) is not None


class Git:
    """The git of this machine, kept apart from this machine's configuration.

    Raises `UsageError` if git, or its http-backend, is not installed.
    """

    def __init__(self, home: Path) -> None:
        """`home` gets git's configuration and hook; it is created when missing."""
        executable = shutil.which("git")
        if executable is None:
            raise UsageError(_NOT_INSTALLED)
        self._executable = executable
        self.environment: Mapping[str, str] = _environment(home)
        home.mkdir(parents=True, exist_ok=True)
        _write_configuration(home)
        self.http_backend = Path(self._run(None, "--exec-path").decode().strip()) / "git-http-backend"
        if not self.http_backend.exists():
            raise UsageError(_NO_HTTP_BACKEND.format(path=self.http_backend))

    # repositories and references

    def init_bare(self, repository: Path, *, head: str) -> None:
        """Create a bare repository whose HEAD names the reference `head`, which need not exist."""
        self._run(None, "init", "--quiet", "--bare", "--template=", "--", str(repository))
        self.set_head(repository, head)
        (repository / "info").mkdir(exist_ok=True)
        (repository / "info" / "attributes").write_text(_ATTRIBUTES, encoding="utf-8")

    def set_head(self, repository: Path, reference: str) -> None:
        self._run(repository, "symbolic-ref", "HEAD", _full_name(reference))

    def is_reference_name(self, reference: str) -> bool:
        """Whether git would accept `reference` (in full, `refs/heads/main`) as a name."""
        return self._status(None, "check-ref-format", _full_name(reference)) == 0

    def references(self, repository: Path) -> dict[str, Reference]:
        """All branches and tags by their full names, in git's order (by name)."""
        form = "%(objectname) %(objecttype) %(*objectname) %(*objecttype) %(refname)"
        output = self._run(repository, "for-each-ref", f"--format={form}", "refs/heads/", "refs/tags/")
        return {reference.name: reference for reference in map(_parse_reference, _lines(output))}

    def update_reference(self, repository: Path, reference: str, *, new: str, old: str) -> bool:
        """Move `reference` from `old` to `new` (`NO_OBJECT`: it does not exist, or shall not).

        False if it is not at `old` any more: somebody else was faster.
        """
        arguments = ["-d"] if new == NO_OBJECT else []
        values = [_object_id(old)] if new == NO_OBJECT else [_object_id(new), _object_id(old)]
        return self._status(repository, "update-ref", *arguments, "--", _full_name(reference), *values) == 0

    # objects

    def object_info(
        self, repository: Path, object_id: str, *, peel: ObjectType | None = None
    ) -> ObjectInfo | None:
        """Type and size of an object, or of the object of type `peel` that it leads to; None without one."""
        suffix = f"^{{{peel}}}" if peel else ""
        line = f"{_object_id(object_id)}{suffix}\n".encode()
        words = self._run(repository, "cat-file", "--batch-check", stdin=line).decode().split()
        if len(words) != 3 or words[1] not in set(ObjectType):
            return None
        return ObjectInfo(words[0], ObjectType(words[1]), int(words[2]))

    def read_object(self, repository: Path, object_id: str, type_: ObjectType) -> bytes:
        """The whole object; ask `object_info` for its size first."""
        return self._run(repository, "cat-file", type_.value, _object_id(object_id))

    def write_blob(self, repository: Path, content: bytes) -> str:
        """Store `content`; its object id."""
        return self._run(repository, "hash-object", "-w", "--stdin", stdin=content).decode().strip()

    def list_tree(self, repository: Path, tree_id: str, *, recursive: bool = False) -> list[TreeEntry]:
        """The entries of a tree (or of a commit's tree), sorted by git; paths from that tree's root."""
        options = ["-z", "--full-tree", *(["-r"] if recursive else [])]
        output = self._run(repository, "ls-tree", *options, _object_id(tree_id))
        return [_parse_tree_entry(record) for record in _records(output)]

    def diff_trees(self, repository: Path, old: str, new: str) -> list[TreeChange]:
        """What changed between two trees (or commits), by file; a rename is a deletion and an addition."""
        options = ["-r", "-z", "--raw", "--no-renames", "--no-abbrev"]
        output = self._run(repository, "diff-tree", *options, _object_id(old), _object_id(new))
        fields = iter(_records(output))
        return [_parse_change(header, path) for header, path in zip(fields, fields, strict=True)]

    # writing commits

    def write_tree(self, repository: Path, entries: Iterable[TreeEntry], *, index: Path) -> str:
        """Store the tree that consists of these files (whole paths); `index` is a file to work in."""
        lines = b"".join(f"{entry.mode} {entry.object_id}\t{entry.path}\0".encode() for entry in entries)
        environment = {"GIT_INDEX_FILE": str(index)}
        self._run(repository, "update-index", "-z", "--index-info", stdin=lines, environment=environment)
        return self._run(repository, "write-tree", environment=environment).decode().strip()

    def write_commit(
        self, repository: Path, tree_id: str, *, parents: Sequence[str], message: str, person: Person
    ) -> str:
        """Store a commit whose author and committer is `person`; its object id."""
        links = [argument for parent in parents for argument in ("-p", _object_id(parent))]
        output = self._run(
            repository,
            "commit-tree",
            *links,
            _object_id(tree_id),
            stdin=message.encode(),
            environment=person.environment(),
        )
        return output.decode().strip()

    # archives

    @contextmanager
    def archive(self, repository: Path, commit_id: str) -> Iterator[subprocess.Popen[bytes]]:
        """`git archive --format=zip` of a commit, running; its standard output is the zip.

        The files carry the commit's time, in UTC: the same commit always gives the same bytes.
        Submodules are left out (git would write an empty folder for each).
        """
        arguments = ["archive", "--format=zip", _object_id(commit_id), "--"]
        entries = self.list_tree(repository, commit_id, recursive=True)
        arguments += [
            f":(exclude,literal){entry.path}" for entry in entries if entry.type is ObjectType.COMMIT
        ]
        with subprocess.Popen(  # noqa: S603 - a fixed program, arguments checked
            self._command(repository, arguments),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                yield process
            except BaseException:
                process.kill()
                raise

    # running

    def _run(
        self,
        repository: Path | None,
        *arguments: str,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
    ) -> bytes:
        result = self._process(repository, arguments, stdin, environment or {})
        if result.returncode:
            raise GitError(arguments[0], result.returncode, result.stderr.decode(errors="replace"))
        return result.stdout

    def _status(self, repository: Path | None, *arguments: str) -> int:
        return self._process(repository, arguments, b"", {}).returncode

    def _process(
        self, repository: Path | None, arguments: Sequence[str], stdin: bytes, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603 - a fixed program, arguments checked
            self._command(repository, arguments),
            env={**self.environment, **environment},
            input=stdin,
            capture_output=True,
            check=False,
        )

    def _command(self, repository: Path | None, arguments: Sequence[str]) -> list[str]:
        place = [] if repository is None else [f"--git-dir={repository}"]
        return [self._executable, *place, *arguments]


@dataclass(frozen=True)
class Person:
    """Author and committer of a commit, and when, in seconds since 1970 (UTC)."""

    name: str
    email: str
    seconds: int

    def environment(self) -> dict[str, str]:
        values = {"NAME": self.name, "EMAIL": self.email, "DATE": f"@{self.seconds} +0000"}
        return {
            f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in values.items()
        }


def _environment(home: Path) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "xdg"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "LC_ALL": "C",
        "TZ": "UTC",
    }


def _write_configuration(home: Path) -> None:
    hooks = home / "hooks"
    hooks.mkdir(exist_ok=True)
    hook = hooks / "post-receive"
    hook.write_text(_HOOK, encoding="utf-8")
    hook.chmod(0o755)
    (home / ".gitconfig").write_text(_configuration(hooks), encoding="utf-8")


def _configuration(hooks: Path) -> str:
    quoted = str(hooks).replace("\\", "\\\\").replace('"', '\\"')
    return f"""\
[core]
	hooksPath = "{quoted}"
[safe]
	directory = *
[http]
	receivepack = true
[receive]
	; CodeCommit accepts a force push, and refuses to delete the default branch
	denyNonFastForwards = false
	denyDeletes = false
	denyDeleteCurrent = refuse
	autogc = false
[gc]
	; nothing may run on after a request
	auto = 0
	autoDetach = false
[maintenance]
	auto = false
"""


def _object_id(text: str) -> str:
    if not is_object_id(text):
        raise ValueError(f"{text!r} is not an object id")
    return text


def _full_name(reference: str) -> str:
    if not reference.startswith("refs/"):
        raise ValueError(f"{reference!r} is not the full name of a reference")
    return reference


def _lines(output: bytes) -> list[str]:
    return output.decode(errors="surrogateescape").splitlines()


def _records(output: bytes) -> list[str]:
    return output.decode(errors="surrogateescape").split("\0")[:-1]


def _parse_reference(line: str) -> Reference:
    object_id, type_, peeled_id, peeled_type, name = line.split(" ", 4)
    if type_ == ObjectType.TAG:
        return Reference(name, object_id, peeled_id if peeled_type == ObjectType.COMMIT else None)
    return Reference(name, object_id, object_id if type_ == ObjectType.COMMIT else None)


def _parse_tree_entry(record: str) -> TreeEntry:
    header, path = record.split("\t", 1)
    mode, type_, object_id = header.split(" ")
    return TreeEntry(mode, ObjectType(type_), object_id, path)


def _parse_change(header: str, path: str) -> TreeChange:
    old_mode, new_mode, old_id, new_id, _status = header.removeprefix(":").split(" ")
    return TreeChange(old_mode, new_mode, old_id, new_id, path)
