"""Runs the ordinary git client."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from stepline.core.errors import UsageError

_REMOTE = "remote:"


def find_git() -> str:
    """Return the path of git. Raises UsageError if git is not installed."""
    path = shutil.which("git")
    if path is None:
        raise UsageError("git is not installed: install it (for example `apt install git`) and try again")
    return path


@dataclass(frozen=True)
class Git:
    """git in `folder`; `options` come before each subcommand. Without `environment` it inherits ours."""

    folder: Path
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] | None = None

    def run(
        self, *arguments: str, options: Collection[str] = (), exit_codes: Collection[int] = (0,)
    ) -> bytes:
        """Return the output of git. Raises UsageError with git's own message for any other exit code."""
        completed = self._run([*options, *arguments])
        if completed.returncode not in exit_codes:
            raise UsageError(f"git {arguments[0]}: {_error_message(completed.stderr)}")
        return completed.stdout

    def push(self, *arguments: str, options: Collection[str] = ()) -> list[str]:
        """Push, and return the lines of the remote. Raises UsageError with git's own message."""
        completed = self._run([*options, "push", "--quiet", *arguments])
        if completed.returncode:
            raise UsageError(f"git push: {_error_message(completed.stderr)}")
        lines = completed.stderr.decode(errors="replace").splitlines()
        return [line.removeprefix(_REMOTE).strip() for line in lines if line.startswith(_REMOTE)]

    def text(self, *arguments: str, options: Collection[str] = (), exit_codes: Collection[int] = (0,)) -> str:
        """Like `run`, but return text without the line break at its end."""
        output = self.run(*arguments, options=options, exit_codes=exit_codes)
        return output.decode(errors="replace").rstrip("\n")

    def succeeds(self, *arguments: str) -> bool:
        return self._run(arguments).returncode == 0

    def _run(self, arguments: Collection[str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603 (git, found on PATH)
            [find_git(), *self.options, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )


def _error_message(stderr: bytes) -> str:
    """Return the first line that is an error, or else the first line."""
    lines = [line.strip() for line in stderr.decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "!"))]
    return (errors or lines or ["it failed without a message"])[0]
