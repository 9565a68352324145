"""Pushes the content of a directory as one commit, with the ordinary git client.

The commit is made in a temporary git directory that uses the given directory as its work
tree. A repository of the user's that the directory belongs to is neither read nor written,
but for its `user.name` and `user.email`; hooks, signing and prompts are switched off, for
all of this also runs unattended.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stepline.aws.source_repositories import Destination
from stepline.core.errors import UsageError

NEUTRAL_NAME = "stepline"
NEUTRAL_EMAIL = "stepline@localhost"

_SETTINGS = (
    "commit.gpgSign=false",
    "core.autocrlf=false",
    f"core.hooksPath={os.devnull}",
    "advice.addEmbeddedRepo=false",
    "gc.auto=0",
)
_SUBMODULE_MODE = "160000"  # how git's index marks a repository within the repository


@dataclass(frozen=True)
class Access:
    """How git reaches the server: settings for it, each `key=value`."""

    settings: tuple[str, ...]


@dataclass(frozen=True)
class Pushed:
    """The branch's commit: whether it `is_new`, and whether it has other content than the one before it."""

    commit_id: str
    is_new: bool
    changed: bool
    files: int


def local_access() -> Access:
    """The local AWS asks for no credentials; none of the user's helpers and no proxy is to see it."""
    return Access(("credential.helper=", "http.proxy="))


def aws_access(profile: str | None) -> Access:
    """CodeCommit by the AWS CLI's credential helper.

    https://docs.aws.amazon.com/codecommit/latest/userguide/setting-up-https-unixes.html
    """
    if shutil.which("aws") is None:
        raise UsageError("git reaches CodeCommit through the AWS CLI, which is not installed: install `aws`")
    option = f"--profile {shlex.quote(profile)} " if profile else ""
    return Access(
        (
            "credential.helper=",  # first forget the user's own, which would store a password that expires
            f"credential.helper=!aws {option}codecommit credential-helper $@",
            "credential.UseHttpPath=true",
        )
    )


def require_git() -> str:
    path = shutil.which("git")
    if path is None:
        raise UsageError("git is not installed: install it (for example `apt install git`) and try again")
    return path


def push_directory(
    source: Path, destination: Destination, access: Access, *, message: str, allow_empty: bool
) -> Pushed:
    """Make the branch's content that of `source`. Raises UsageError with git's own words if git refuses.

    Files that a `.gitignore` within `source` names stay out, as with any other push.
    """
    if not source.is_dir():
        raise UsageError(f"{source} is no directory: name the one whose content is to be pushed")
    with tempfile.TemporaryDirectory(prefix="stepline-push-") as folder:
        git = _Git(Path(folder), source.resolve(), access)
        return _push(git, source, destination, message=message, allow_empty=allow_empty)


def _push(git: _Git, source: Path, destination: Destination, *, message: str, allow_empty: bool) -> Pushed:
    reference = f"refs/heads/{destination.branch}"
    git.run("init", "--quiet")
    git.run("symbolic-ref", "HEAD", reference)
    tip = _fetch_tip(git, destination.clone_url, reference)
    files = _stage(git, source)
    changed = tip is None or not git.succeeds("diff-index", "--cached", "--quiet", tip)
    if tip is not None and not changed and not allow_empty:
        return Pushed(tip, is_new=False, changed=False, files=files)
    git.run("commit", "--quiet", "--allow-empty", "--message", message, identity=True)
    git.run("push", "--quiet", destination.clone_url, f"HEAD:{reference}", network=True)
    return Pushed(git.run("rev-parse", "HEAD").strip(), is_new=True, changed=changed, files=files)


def _fetch_tip(git: _Git, url: str, reference: str) -> str | None:
    """The branch's commit, fetched without its history; None if there is no such branch yet."""
    if not git.run("ls-remote", url, reference, network=True).strip():
        return None
    git.run("fetch", "--quiet", "--depth=1", "--no-tags", url, reference, network=True)
    tip = git.run("rev-parse", "FETCH_HEAD").strip()
    git.run("update-ref", reference, tip)
    return tip


def _stage(git: _Git, source: Path) -> int:
    """Put the directory's files into the index; the number of them."""
    git.run("add", "--all", ".")
    entries = git.run("ls-files", "--stage", "-z").split("\0")[:-1]
    if not entries:
        raise UsageError(f"{source} has no files to push (those that .gitignore names do not count)")
    for mode, path in ((entry.split(" ", 1)[0], entry.split("\t", 1)[1]) for entry in entries):
        if mode == _SUBMODULE_MODE:
            raise UsageError(f"{source / path} is a git repository of its own: only its files can be pushed")
    return len(entries)


class _Git:
    """git with a directory of its own, and the user's as its work tree."""

    def __init__(self, directory: Path, work_tree: Path, access: Access) -> None:
        self._git = require_git()
        self._directory = directory / ".git"
        self._work_tree = work_tree
        self._access = access

    def run(self, *arguments: str, identity: bool = False, network: bool = False) -> str:
        """What git prints. Raises UsageError with its last words if it fails."""
        settings = [*_SETTINGS, *(self._access.settings if network else ())]
        if identity:
            settings += self._identity()
        done = self._call(settings, arguments)
        if done.returncode != 0:
            raise UsageError(f"git {arguments[0]}: {_reason(done.stderr)}")
        return done.stdout

    def succeeds(self, *arguments: str) -> bool:
        return self._call(_SETTINGS, arguments).returncode == 0

    def _call(self, settings: Sequence[str], arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        options = [word for setting in settings for word in ("-c", setting)]
        return self._execute(
            [f"--git-dir={self._directory}", f"--work-tree={self._work_tree}", *options, *arguments]
        )

    def _execute(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 (git, found on PATH)
            [self._git, *words],
            cwd=self._work_tree,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
            env=_environment(),
        )

    def _identity(self) -> list[str]:
        """The user's own identity as git knows it in that directory; a neutral one if it knows none."""
        known = {"name": NEUTRAL_NAME, "email": NEUTRAL_EMAIL}
        settings = []
        for key, neutral in known.items():
            configured = self._execute(["config", "--get", f"user.{key}"]).stdout.strip()
            settings.append(f"user.{key}={configured or neutral}")
        return settings


def _environment() -> dict[str, str]:
    """Ours, without what git itself sets for hooks, and so that git never asks anything."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("GIT_")
        or key.startswith(("GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CONFIG", "GIT_SSL"))
    }
    return kept | {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "LC_ALL": "C"}


def _reason(stderr: str) -> str:
    """git's most telling line: the first that is an error, else the last."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "!"))]
    return (errors or lines or ["it failed without a message"])[0]
