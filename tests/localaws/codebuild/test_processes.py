"""Commands of a build: their output, their exit codes, and that nothing of them remains."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stepline.localaws.codebuild.errors import BuildEndedError
from stepline.localaws.codebuild.processes import CommandProcesses
from tests.waiting import wait_for

_OWNER = """
import sys
from pathlib import Path
from stepline.localaws.codebuild.processes import CommandProcesses
CommandProcesses(lambda _data: None, lambda: None).run(
    ["sh", "-c", f"sleep 600 & echo $! > {sys.argv[1]}; wait"], cwd=Path("/"), env={"PATH": "/usr/bin:/bin"}
)
"""


def run(processes: CommandProcesses, *argv: str) -> int:
    return processes.run(argv, cwd=Path("/"), env={"PATH": "/usr/bin:/bin"})


def has_ended(pid: int) -> bool:
    """Whether the process has ended; its parent may not have noticed yet."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] == "Z"
    except (ProcessLookupError, FileNotFoundError):
        return True


def test_output_is_complete_when_a_command_has_ended() -> None:
    output: list[bytes] = []
    processes = CommandProcesses(output.append, lambda: None)
    try:
        for size in (1, 100_000):
            output.clear()
            assert run(processes, "sh", "-c", f"head -c {size} /dev/zero; echo end >&2") == 0
            assert len(b"".join(output)) == size + len(b"end\n")
    finally:
        processes.close()


@pytest.mark.parametrize(("command", "code"), [("exit 3", 3), ("kill -9 $$", 137), ("nothing", 127)])
def test_exit_code_is_that_of_a_shell(command: str, code: int) -> None:
    processes = CommandProcesses(lambda _data: None, lambda: None)
    try:
        assert run(processes, "sh", "-c", command) == code
    finally:
        processes.close()


def test_missing_program_has_the_exit_code_of_a_shell() -> None:
    processes = CommandProcesses(lambda _data: None, lambda: None)
    try:
        assert run(processes, "no-such-program") == 127
    finally:
        processes.close()


def test_no_command_runs_after_the_kill() -> None:
    processes = CommandProcesses(lambda _data: None, lambda: None)
    run(processes, "true")
    processes.kill()
    with pytest.raises(BuildEndedError):
        run(processes, "true")
    processes.close()
    processes.close()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads processes from Linux's /proc")
def test_commands_end_when_the_local_aws_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    with subprocess.Popen([sys.executable, "-c", _OWNER, str(pid_file)]) as owner:
        wait_for(lambda: pid_file.exists() and pid_file.read_text().strip())
        owner.send_signal(signal.SIGKILL)
    wait_for(lambda: has_ended(int(pid_file.read_text())))
