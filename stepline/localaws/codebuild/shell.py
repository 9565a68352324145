"""The shell of a build: one environment for all commands, or one for each in version 0.1.

After each command, its directory and variables are written to files, and the next one begins with them. All
variables are exported, as CodeBuild does.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from stepline.localaws.codebuild.processes import CommandProcesses

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DUMP = "import json, os, sys; json.dump(dict(os.environ), open(sys.argv[1], 'w'))"


class Shell:
    """Runs commands with `program`, which is sh or bash. `directory` holds its files."""

    def __init__(
        self, processes: CommandProcesses, program: str, directory: Path, *, keeps_environment: bool
    ) -> None:
        self._processes = processes
        self._program = shutil.which(program) or program
        self._keeps_environment = keeps_environment
        directory.mkdir(parents=True, exist_ok=True)
        self._script = directory / "script.sh"
        self._environment = directory / "env.sh"
        self._folder = directory / "dir.txt"
        self._result = directory / "result.json"
        self._unnamed: dict[str, str] = {}

    def start(self, folder: Path, variables: Mapping[str, str]) -> None:
        """Set the directory and the environment of the first command."""
        self._folder.write_text(f"{folder}\n")
        self._environment.write_text("")
        self._unnamed = {name: value for name, value in variables.items() if not _IDENTIFIER.fullmatch(name)}
        for name, value in variables.items():
            if name not in self._unnamed:
                self.set(name, value)

    def set(self, name: str, value: str) -> None:
        """Set a variable of the commands to come."""
        with self._environment.open("a") as file:
            file.write(f"export {name}={shlex.quote(value)}\n")

    def run(self, command: str) -> int:
        """Run a command and return its exit code. Raises BuildEndedError."""
        return self._run(command, keep=self._keeps_environment)

    def expand(self, text: str) -> str:
        """Return the text with its variables and commands replaced ("artifacts/name")."""
        self._run(f"cat > {shlex.quote(str(self._result))} <<STEPLINE_END\n{text}\nSTEPLINE_END", keep=False)
        return self._result.read_text().rstrip("\n") if self._result.exists() else text

    def variables(self) -> dict[str, str]:
        """Return the environment that the last command left."""
        dump = [sys.executable, "-I", "-S", "-c", _DUMP, str(self._result)]
        self._run(shlex.join(dump), keep=False)
        found: dict[str, str] = json.loads(self._result.read_text())
        return found

    def _run(self, command: str, *, keep: bool) -> int:
        environment, folder = shlex.quote(str(self._environment)), shlex.quote(str(self._folder))
        save = f"export -p > {environment}\npwd > {folder}\n" if keep else ""
        self._script.write_text(
            dedent(f"""\
                cd "$(cat {folder})"
                . {environment}
                set -a
            """)
            + f"{command}\nCODEBUILD_LAST_EXIT=$?\n{save}exit $CODEBUILD_LAST_EXIT\n"
        )
        cwd = self._script.parent
        return self._processes.run([self._program, str(self._script)], cwd=cwd, env=self._unnamed)
