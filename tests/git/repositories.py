"""Repositories that are used with the ordinary git client."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


class BareRepository:
    """A repository to push to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        run_git("init", "--quiet", "--bare", str(folder), at=folder.parent)

    def files(self, branch: str = "main") -> dict[str, str]:
        names = run_git("ls-tree", "-r", "--name-only", branch, at=self.folder).splitlines()
        return {name: run_git("show", f"{branch}:{name}", at=self.folder) for name in names}

    def log(self, form: str, branch: str = "main") -> list[str]:
        return run_git("log", f"--format={form}", branch, at=self.folder).splitlines()

    def refuse_pushes(self, message: str) -> None:
        hook = self.folder / "hooks" / "pre-receive"
        hook.write_text(f"#!/bin/sh\necho '{message}' >&2\nexit 1\n")
        hook.chmod(0o755)


class WorkingTree:
    """A repository in `folder` / `work`, whose remote `origin` is a bare repository beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self.folder.mkdir()
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")} | {
            "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        self.git("init", "--quiet", "--initial-branch=main", ".")
        self.git("config", "user.name", "t")
        self.git("config", "user.email", "t@example.com")
        self.git("init", "--quiet", "--bare", str(folder / "origin.git"))
        self.git("remote", "add", "origin", str(folder / "origin.git"))

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def git(self, *arguments: str) -> str:
        completed = self.run(*arguments)
        assert completed.returncode == 0, completed.stderr
        return completed.stdout.strip()

    def commit(self, **files: str) -> str:
        """Write files (`name_json` is `name.json`), commit them and return the commit's id."""
        for name, text in files.items():
            (self.folder / name.replace("_json", ".json")).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a change")
        return self.git("rev-parse", "HEAD")


def run_git(*arguments: str, at: Path) -> str:
    completed = subprocess.run(["git", *arguments], cwd=at, capture_output=True, check=True)
    return completed.stdout.decode().removesuffix("\n")
