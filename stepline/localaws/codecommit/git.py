"""Runs git's plumbing commands.

No argument can be read as an option or as revision syntax: object IDs are checked to be 40 hex digits,
references are given by their full name, paths and contents on standard input or after `--`.
"""

from __future__ import annotations

import shutil
import subprocess
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from stepline.core.errors import SteplineError, UsageError
from stepline.localaws.codecommit.git_home import ATTRIBUTES, git_environment, prepare_home
from stepline.localaws.codecommit.git_objects import (
    NO_OBJECT,
    SUBMODULE_MODE,
    ObjectInfo,
    ObjectType,
    Person,
    Reference,
    TreeChange,
    TreeEntry,
    index_line,
    is_object_id,
    parse_change,
    parse_reference,
    parse_tree_entry,
    split_records,
)
from stepline.localaws.codecommit.processes import ProcessGroups

_NOT_INSTALLED = (
    "git is not installed, or not on PATH; install it (for example `apt-get install git`, "
    "`brew install git` or https://git-scm.com/downloads)"
)
_NO_HTTP_BACKEND = "this git has no http-backend; install the whole git package ({path} is missing)"


class GitError(SteplineError):
    """A git command failed unexpectedly."""

    def __init__(self, command: str, status: int, stderr: str) -> None:
        super().__init__(f"git {command} ended with status {status}: {stderr.strip()}")


class Git:
    """The git program of this machine, without the machine's and the user's configuration.

    Raises UsageError if git, or its http-backend, is not installed.
    """

    def __init__(self, home: Path, work: Path) -> None:
        """Write git's configuration and hook to `home`. `work` is a folder for temporary files."""
        executable = shutil.which("git")
        if executable is None:
            raise UsageError(_NOT_INSTALLED)
        self._executable = executable
        self.work = work
        self.environment: Mapping[str, str] = git_environment(home)
        prepare_home(home)
        self.http_backend = Path(self.run("--exec-path").decode().strip()) / "git-http-backend"
        if not self.http_backend.exists():
            raise UsageError(_NO_HTTP_BACKEND.format(path=self.http_backend))

    def run(self, *arguments: str, stdin: bytes = b"", **environment: str) -> bytes:
        """Return the command's standard output. Raises GitError if it fails."""
        result = self.complete(*arguments, stdin=stdin, **environment)
        if result.returncode:
            raise GitError(arguments[0], result.returncode, result.stderr.decode(errors="replace"))
        return result.stdout

    def complete(
        self, *arguments: str, stdin: bytes = b"", **environment: str
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603 - a fixed program, arguments checked
            [self._executable, *arguments],
            env={**self.environment, **environment},
            input=stdin,
            capture_output=True,
            check=False,
        )

    def stream(self, *arguments: str, target: BinaryIO, groups: ProcessGroups, **environment: str) -> None:
        """Write the command's standard output to `target`. Raises GitError if it fails, or is stopped."""
        with subprocess.Popen(  # noqa: S603 - a fixed program, arguments checked
            [self._executable, *arguments],
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            groups.add(process.pid)
            try:
                assert process.stdout is not None
                shutil.copyfileobj(process.stdout, target)
            except BaseException:
                process.kill()
                raise
            finally:
                process.wait()
                groups.discard(process.pid)
        if process.returncode:
            raise GitError(arguments[0], process.returncode, "the output is incomplete")


class GitRepository:
    """The bare git repository at `path`. Methods raise GitError."""

    def __init__(self, git: Git, path: Path) -> None:
        self._git = git
        self._path = path

    def init_bare(self, *, head: str) -> None:
        """Create the repository. Its HEAD names the reference `head`, which need not exist."""
        self._git.run("init", "--quiet", "--bare", "--template=", "--", str(self._path))
        self.set_head(head)
        (self._path / "info").mkdir(exist_ok=True)
        (self._path / "info" / "attributes").write_text(ATTRIBUTES, encoding="utf-8")

    # references

    def set_head(self, reference: str) -> None:
        self._run("symbolic-ref", "HEAD", _full_name(reference))

    def is_reference_name(self, reference: str) -> bool:
        """Return whether git accepts `reference` (in full, `refs/heads/main`) as a name."""
        return self._succeeds("check-ref-format", _full_name(reference))

    def references(self) -> dict[str, Reference]:
        """Return all branches and tags by their full names, in order of name."""
        form = "%(objectname) %(objecttype) %(*objectname) %(*objecttype) %(refname)"
        output = self._run("for-each-ref", f"--format={form}", "refs/heads/", "refs/tags/")
        lines = output.decode(errors="replace").splitlines()
        return {reference.name: reference for reference in map(parse_reference, lines)}

    def update_reference(self, reference: str, *, new: str, old: str) -> bool:
        """Move `reference` from `old` to `new`; `NO_OBJECT` means that it does not exist.

        Return False if it is not at `old` any more.
        """
        options = ["-d"] if new == NO_OBJECT else []
        values = [_object_id(old)] if new == NO_OBJECT else [_object_id(new), _object_id(old)]
        return self._succeeds("update-ref", *options, "--", _full_name(reference), *values)

    # reading objects

    def object_info(self, object_id: str, *, peel: ObjectType | None = None) -> ObjectInfo | None:
        """Return type and size of an object, or of the object of type `peel` that it leads to.

        Return None if there is no such object.
        """
        suffix = f"^{{{peel}}}" if peel else ""
        line = f"{_object_id(object_id)}{suffix}\n".encode()
        fields = self._run("cat-file", "--batch-check", stdin=line).decode().split()
        if len(fields) != 3 or fields[1] not in set(ObjectType):
            return None
        return ObjectInfo(fields[0], ObjectType(fields[1]), int(fields[2]))

    def read_object(self, object_id: str, object_type: ObjectType) -> bytes:
        """Return the whole object; check its size with `object_info` first."""
        return self._run("cat-file", object_type.value, _object_id(object_id))

    def list_tree(self, tree_id: str, *options: str) -> list[TreeEntry]:
        """Return the entries of a tree (or of a commit's tree), in git's order."""
        output = self._run("ls-tree", "-z", "--full-tree", *options, _object_id(tree_id))
        return [parse_tree_entry(record) for record in split_records(output)]

    def list_files(self, tree_id: str) -> list[TreeEntry]:
        """Return all files, symbolic links and submodules below a tree (or a commit's tree)."""
        return self.list_tree(tree_id, "-r")

    def find_entry(self, tree_id: str, path: str) -> TreeEntry | None:
        """Return the entry at `path` (no slash at either end) in a tree, or in a commit's tree."""
        arguments = ["ls-tree", "-z", "--full-tree", _object_id(tree_id), "--", path]
        output = self._run(*arguments, GIT_LITERAL_PATHSPECS="1")
        entries = [parse_tree_entry(record) for record in split_records(output)]
        return next((entry for entry in entries if entry.path == path), None)

    def diff_trees(self, old: str, new: str) -> list[TreeChange]:
        """Return the changed files of two trees (or commits); a rename is a deletion and an addition."""
        options = ["-r", "-z", "--raw", "--no-renames", "--no-abbrev"]
        output = self._run("diff-tree", *options, _object_id(old), _object_id(new))
        fields = iter(split_records(output))
        return [parse_change(header, path) for header, path in zip(fields, fields, strict=True)]

    # writing objects

    def write_blob(self, content: bytes) -> str:
        """Store `content` and return its object ID."""
        return self._run("hash-object", "-w", "--stdin", stdin=content).decode().strip()

    def write_tree(self, entries: Iterable[TreeEntry]) -> str:
        """Store the tree of these files (with whole paths) and return its object ID."""
        index = self._git.work / f"index-{uuid.uuid4()}"
        lines = b"".join(map(index_line, entries))
        try:
            self._run("update-index", "-z", "--index-info", stdin=lines, GIT_INDEX_FILE=str(index))
            return self._run("write-tree", GIT_INDEX_FILE=str(index)).decode().strip()
        finally:
            index.unlink(missing_ok=True)

    def write_commit(self, tree_id: str, *, parents: Sequence[str], message: str, person: Person) -> str:
        """Store a commit whose author and committer is `person`, and return its object ID."""
        options = [argument for parent in parents for argument in ("-p", _object_id(parent))]
        arguments = ["commit-tree", *options, _object_id(tree_id)]
        output = self._run(*arguments, stdin=message.encode(), **person.environment())
        return output.decode().strip()

    # archives

    def archive(self, commit_id: str, target: BinaryIO, groups: ProcessGroups) -> None:
        """Write the zip of `git archive` to `target`.

        The files have the commit's time, in UTC: the same commit always gives the same bytes. Submodules are
        left out (git would write an empty folder for each). Compressed for speed, not size.
        """
        submodules = [entry.path for entry in self.list_files(commit_id) if entry.mode == SUBMODULE_MODE]
        excluded = [f":(exclude,literal){path}" for path in submodules]
        arguments = ["archive", "--format=zip", "-1", _object_id(commit_id), "--", *excluded]
        self._git.stream(*arguments, target=target, groups=groups, GIT_DIR=str(self._path))

    def _run(self, *arguments: str, stdin: bytes = b"", **environment: str) -> bytes:
        return self._git.run(*arguments, stdin=stdin, GIT_DIR=str(self._path), **environment)

    def _succeeds(self, *arguments: str) -> bool:
        return self._git.complete(*arguments, GIT_DIR=str(self._path)).returncode == 0


def _object_id(text: str) -> str:
    if not is_object_id(text):
        raise ValueError(f"{text!r} is not an object id")
    return text


def _full_name(reference: str) -> str:
    if not reference.startswith("refs/"):
        raise ValueError(f"{reference!r} is not the full name of a reference")
    return reference
