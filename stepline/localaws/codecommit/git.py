"""git's plumbing, one method per command.

Nothing that a caller passes can be read as an option or as revision syntax: object ids
are checked to be 40 hex digits, references are given by their full name, paths and
contents travel on standard input or after `--`.

The git processes see only what `git_home` gives them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from stepline.core.errors import UsageError
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
    lines,
    parse_change,
    parse_reference,
    parse_tree_entry,
    records,
)

_NOT_INSTALLED = (
    "git is not installed, or not on PATH; install it (for example `apt-get install git`, "
    "`brew install git` or https://git-scm.com/downloads)"
)
_NO_HTTP_BACKEND = "this git has no http-backend; install the whole git package ({path} is missing)"


class GitError(Exception):
    """A git command failed in a way that its caller did not expect."""

    def __init__(self, command: str, status: int, stderr: str) -> None:
        super().__init__(f"git {command} ended with status {status}: {stderr.strip()}")
        self.command = command
        self.status = status


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
        self.environment: Mapping[str, str] = git_environment(home)
        prepare_home(home)
        self.http_backend = Path(self._run(None, "--exec-path").decode().strip()) / "git-http-backend"
        if not self.http_backend.exists():
            raise UsageError(_NO_HTTP_BACKEND.format(path=self.http_backend))

    # repositories and references

    def init_bare(self, repository: Path, *, head: str) -> None:
        """Create a bare repository whose HEAD names the reference `head`, which need not exist."""
        self._run(None, "init", "--quiet", "--bare", "--template=", "--", str(repository))
        self.set_head(repository, head)
        (repository / "info").mkdir(exist_ok=True)
        (repository / "info" / "attributes").write_text(ATTRIBUTES, encoding="utf-8")

    def set_head(self, repository: Path, reference: str) -> None:
        self._run(repository, "symbolic-ref", "HEAD", _full_name(reference))

    def is_reference_name(self, reference: str) -> bool:
        """Whether git would accept `reference` (in full, `refs/heads/main`) as a name."""
        return self._status(None, "check-ref-format", _full_name(reference)) == 0

    def references(self, repository: Path) -> dict[str, Reference]:
        """All branches and tags by their full names, in git's order (by name)."""
        form = "%(objectname) %(objecttype) %(*objectname) %(*objecttype) %(refname)"
        output = self._run(repository, "for-each-ref", f"--format={form}", "refs/heads/", "refs/tags/")
        return {reference.name: reference for reference in map(parse_reference, lines(output))}

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

    def list_tree(self, repository: Path, tree_id: str) -> list[TreeEntry]:
        """The entries of a tree (or of a commit's tree), in git's order."""
        output = self._run(repository, "ls-tree", "-z", "--full-tree", _object_id(tree_id))
        return [parse_tree_entry(record) for record in records(output)]

    def list_files(self, repository: Path, tree_id: str) -> list[TreeEntry]:
        """All files, symbolic links and submodules below a tree (or a commit's tree)."""
        output = self._run(repository, "ls-tree", "-z", "-r", "--full-tree", _object_id(tree_id))
        return [parse_tree_entry(record) for record in records(output)]

    def find_entry(self, repository: Path, tree_id: str, path: str) -> TreeEntry | None:
        """What is at `path` (no slash at either end) in a tree, or in a commit's tree."""
        arguments = ["ls-tree", "-z", "--full-tree", _object_id(tree_id), "--", path]
        output = self._run(repository, *arguments, environment={"GIT_LITERAL_PATHSPECS": "1"})
        entries = [parse_tree_entry(record) for record in records(output)]
        return next((entry for entry in entries if entry.path == path), None)

    def list_submodules(self, repository: Path, commit_id: str) -> list[str]:
        """The paths of the submodules in a commit."""
        output = self._run(repository, "ls-tree", "-z", "-r", "--full-tree", _object_id(commit_id))
        links = [record for record in output.split(b"\0") if record.startswith(SUBMODULE_MODE.encode())]
        return [os.fsdecode(record.split(b"\t", 1)[1]) for record in links]

    def diff_trees(self, repository: Path, old: str, new: str) -> list[TreeChange]:
        """What changed between two trees (or commits), by file; a rename is a deletion and an addition."""
        options = ["-r", "-z", "--raw", "--no-renames", "--no-abbrev"]
        output = self._run(repository, "diff-tree", *options, _object_id(old), _object_id(new))
        fields = iter(records(output))
        return [parse_change(header, path) for header, path in zip(fields, fields, strict=True)]

    # writing commits

    def write_tree(self, repository: Path, entries: Iterable[TreeEntry], *, index: Path) -> str:
        """Store the tree that consists of these files (whole paths); `index` is a file to work in."""
        content = b"".join(map(index_line, entries))
        environment = {"GIT_INDEX_FILE": str(index)}
        self._run(repository, "update-index", "-z", "--index-info", stdin=content, environment=environment)
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
        Submodules are left out (git would write an empty folder for each). Compressed for speed, not size.
        """
        arguments = ["archive", "--format=zip", "-1", _object_id(commit_id), "--"]
        arguments += [f":(exclude,literal){path}" for path in self.list_submodules(repository, commit_id)]
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


def _object_id(text: str) -> str:
    if not is_object_id(text):
        raise ValueError(f"{text!r} is not an object id")
    return text


def _full_name(reference: str) -> str:
    if not reference.startswith("refs/"):
        raise ValueError(f"{reference!r} is not the full name of a reference")
    return reference
