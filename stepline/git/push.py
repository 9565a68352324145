"""Pushes the content of a directory as one commit.

The commit is made in a temporary git directory with the given directory as its work tree. A repository of
the user's that contains the directory is not changed; only its `user.name` and `user.email`, and what it
ignores, are read.
Hooks, signing and prompts are switched off, because pushes also run unattended.
"""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stepline.aws.source_repositories import Destination
from stepline.core.errors import UsageError
from stepline.git.client import Git
from stepline.git.ignored_files import exclude_patterns

_DEFAULT_IDENTITY = {"user.name": "stepline", "user.email": "stepline@localhost"}
_SETTINGS = (
    "commit.gpgSign=false",
    "core.autocrlf=false",
    f"core.hooksPath={os.devnull}",
    "advice.addEmbeddedRepo=false",
    "gc.auto=0",
)
_FATAL = 128  # git's exit code, also if a repository does not exist
_SUBMODULE_MODE = "160000"  # of a repository within the repository, in git's index

Access = tuple[str, ...]
"""Settings with which git reaches the server, each `key=value`."""

LOCAL_ACCESS: Access = ("credential.helper=", "http.proxy=")
"""The local AWS needs no credentials, and no credential helper or proxy of the user's is used."""


@dataclass(frozen=True)
class PushResult:
    """The branch's commit, or the object's version, which is its `commit_id` then.

    `is_new`: whether this push has created it. `has_changes`: whether it differs from the one before.
    `messages` are lines of the remote, such as which pipeline the push starts.
    """

    commit_id: str
    is_new: bool
    has_changes: bool
    files: int
    messages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Archive:
    """A zip file of a directory. `tree` is the id of its content in git: the same for the same files."""

    content: bytes
    tree: str
    files: int


def codecommit_access(profile: str | None) -> Access:
    """Return settings for CodeCommit, with the credential helper of the AWS CLI. Raises UsageError.

    https://docs.aws.amazon.com/codecommit/latest/userguide/setting-up-https-unixes.html
    """
    if shutil.which("aws") is None:
        raise UsageError("git needs the AWS CLI to reach CodeCommit, and it is not installed: install `aws`")
    option = f"--profile {shlex.quote(profile)} " if profile else ""
    return (
        "credential.helper=",  # removes the user's own helpers, which would store a password that expires
        f"credential.helper=!aws {option}codecommit credential-helper $@",
        "credential.UseHttpPath=true",
    )


def push_directory(
    source: Path, destination: Destination, access: Access, *, message: str, allow_empty: bool
) -> PushResult:
    """Make the content of `source` the content of the branch. Raises UsageError with git's own message.

    What git ignores is left out; see `stepline.git.ignored_files`.
    """
    with _temporary_git(source) as git:
        return _push(git, source, destination, access, message=message, allow_empty=allow_empty)


@contextmanager
def _temporary_git(source: Path) -> Iterator[Git]:
    """Yield git with a directory of its own, and the files of `source`."""
    if not source.is_dir():
        raise UsageError(f"{source} is not a directory: name the directory to push")
    with tempfile.TemporaryDirectory(prefix="stepline-push-") as folder:
        work_tree = source.resolve()
        options = (f"--git-dir={folder}/.git", f"--work-tree={work_tree}", *_config_options(_SETTINGS))
        yield Git(work_tree, options, _environment())


def zip_directory(source: Path) -> Archive:
    """Return the files that `push_directory` would push, as a zip file. Raises UsageError."""
    with _temporary_git(source) as git:
        _init(git)
        files = _stage(git, source)
        tree = git.text("write-tree")
        return Archive(git.run("archive", "--format=zip", tree), tree, files)


def _push(
    git: Git, source: Path, destination: Destination, access: Access, *, message: str, allow_empty: bool
) -> PushResult:
    reference, access_options = f"refs/heads/{destination.branch}", _config_options(access)
    _init(git)
    git.run("symbolic-ref", "HEAD", reference)
    tip = _fetch_tip(git, destination, reference, access_options)
    files = _stage(git, source)
    has_changes = tip is None or not git.succeeds("diff-index", "--cached", "--quiet", tip)
    if tip is not None and not has_changes and not allow_empty:
        return PushResult(tip, is_new=False, has_changes=False, files=files)
    git.run("commit", "--quiet", "--allow-empty", "--message", message, options=_identity_options(git))
    messages = git.push(destination.clone_url, f"HEAD:{reference}", options=access_options)
    commit_id = git.text("rev-parse", "HEAD")
    return PushResult(commit_id, is_new=True, has_changes=has_changes, files=files, messages=tuple(messages))


def _init(git: Git) -> None:
    """Create the repository, which ignores what the user's own would."""
    git.run("init", "--quiet")
    exclude = Path(git.text("rev-parse", "--absolute-git-dir"), "info/exclude")
    exclude.parent.mkdir(exist_ok=True)
    exclude.write_bytes(exclude_patterns(_users_git(git)))


def _fetch_tip(
    git: Git, destination: Destination, reference: str, access_options: tuple[str, ...]
) -> str | None:
    """Fetch the branch's commit without its history; None if the branch does not exist."""
    url, missing = destination.clone_url, (_FATAL,) if destination.may_be_missing else ()
    if not git.run("ls-remote", url, reference, options=access_options, exit_codes=(0, *missing)).strip():
        return None
    git.run("fetch", "--quiet", "--depth=1", "--no-tags", url, reference, options=access_options)
    tip = git.text("rev-parse", "FETCH_HEAD")
    git.run("update-ref", reference, tip)
    return tip


def _stage(git: Git, source: Path) -> int:
    """Add the files of the directory to the index, and return their number."""
    git.run("add", "--all", ".")
    entries = git.text("ls-files", "--stage", "-z").split("\0")[:-1]
    if not entries:
        raise UsageError(f"{source} has no files to push (besides those that git ignores)")
    for mode, path in ((entry.split(" ", 1)[0], entry.split("\t", 1)[1]) for entry in entries):
        if mode == _SUBMODULE_MODE:
            raise UsageError(f"{source / path} is a git repository of its own: only its files can be pushed")
    return len(entries)


def _identity_options(git: Git) -> tuple[str, ...]:
    """Return options for the user's identity in that directory, or for a default one."""
    identity = {
        key: _users_git(git).text("config", "--get", key, exit_codes=(0, 1)) or default
        for key, default in _DEFAULT_IDENTITY.items()
    }
    return _config_options(f"{key}={value}" for key, value in identity.items())


def _users_git(git: Git) -> Git:
    """Return git with the repository of the user that contains the folder, if there is one."""
    return Git(git.folder, environment=git.environment)


def _config_options(settings: Iterable[str]) -> tuple[str, ...]:
    return tuple(option for setting in settings for option in ("-c", setting))


def _environment() -> dict[str, str]:
    """Return our environment without what git sets for hooks, and with prompts switched off."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("GIT_")
        or key.startswith(("GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CONFIG", "GIT_SSL"))
    }
    return kept | {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "LC_ALL": "C"}
