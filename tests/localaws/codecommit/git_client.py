"""Runs the git client with its own home folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

TIMEOUT_SECONDS = 60


class GitClient:
    """Runs git; working copies live under `home`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
            **{f"GIT_{role}_NAME": "Ada" for role in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{role}_EMAIL": "ada@example.com" for role in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{role}_DATE": "1700000000 +0100" for role in ("AUTHOR", "COMMITTER")},
        }

    def try_run(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *arguments],
            cwd=cwd or self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )

    def run(self, *arguments: str, cwd: Path | None = None) -> str:
        result = self.try_run(*arguments, cwd=cwd)
        assert result.returncode == 0, f"git {' '.join(arguments)}: {result.stdout}{result.stderr}"
        return result.stdout.strip()

    def new(self, name: str, url: str, *, branch: str = "main") -> WorkingCopy:
        """An empty working copy with `url` as its origin."""
        path = self.home / name
        self.run("init", "--quiet", f"--initial-branch={branch}", str(path))
        self.run("remote", "add", "origin", url, cwd=path)
        return WorkingCopy(self, path)

    def clone(self, url: str, name: str, *options: str) -> WorkingCopy:
        self.run("clone", "--quiet", *options, url, name)
        return WorkingCopy(self, self.home / name)


class WorkingCopy:
    def __init__(self, client: GitClient, path: Path) -> None:
        self.client = client
        self.path = path

    def run(self, *arguments: str) -> str:
        return self.client.run(*arguments, cwd=self.path)

    def try_run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.client.try_run(*arguments, cwd=self.path)

    def commit(self, files: dict[str, str | bytes], message: str = "change") -> str:
        """Write and commit files; the commit's id."""
        for name, content in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.run("add", "--all")
        self.run("commit", "--quiet", "--message", message)
        return self.run("rev-parse", "HEAD")

    def push(self, *arguments: str) -> str:
        return self.run("push", "--quiet", "origin", *arguments)
