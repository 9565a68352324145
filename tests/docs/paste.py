"""`python -m tests.docs.paste [PAGE ...]` runs every command of the pages, as a reader who pastes them.

The ```bash blocks of a page run one after the other in one shell, in a copy of the project's folder, with its
virtual environment and the `aws` command line, without the user's AWS configuration. Each command must exit
with 0. A block below the line `<!-- not pasted: REASON -->` is left out. No local AWS may run on the standard
port before a page and after it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from stepline.core.local_aws import DEFAULT_PORT
from stepline.processes.server_process import port_is_free

PROJECT = Path(__file__).parents[2]
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]

_BLOCK = re.compile(r"(?P<before>[^\n]*)\n+```bash\n(?P<commands>.*?)^```$", re.MULTILINE | re.DOTALL)
_LEFT_OUT = "<!-- not pasted: "
_PROLOGUE = """set -e
trap 'echo "FAILED: $BASH_COMMAND" >&2' ERR
"""
_TIMEOUT_SECONDS = 300.0


def blocks(page: str) -> Iterator[str]:
    """Yield the commands of each block that is not left out."""
    for match in _BLOCK.finditer(page):
        if not match["before"].startswith(_LEFT_OUT):
            yield match["commands"]


def paste(page: Path) -> bool:
    """Run the page's commands; return whether all succeeded and no local AWS runs afterwards."""
    script = _PROLOGUE + "".join(blocks(page.read_text()))
    with tempfile.TemporaryDirectory() as home:
        shell = subprocess.Popen(
            ["bash"],
            stdin=subprocess.PIPE,
            text=True,
            cwd=_copy(Path(home) / "stepline"),
            env=_environment(home),
            start_new_session=True,
        )
        try:
            shell.communicate(script, timeout=_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            _print(f"{page.name}: did not end within {_TIMEOUT_SECONDS:g} s")
        finally:
            _stop(shell)
        is_running = not port_is_free(DEFAULT_PORT)
        if is_running:
            _print(f"{page.name}: a local AWS still runs")
            subprocess.run(["stepline", "down"], env=_environment(home), check=False)
    return shell.returncode == 0 and not is_running


def _copy(folder: Path) -> Path:
    """Copy the project without the files that git ignores, and link its virtual environment."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    for name in names.splitlines():
        if (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)
    (folder / ".venv").symlink_to(PROJECT / ".venv")
    return folder


def _environment(home: str) -> dict[str, str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "STEPLINE_"))}
    path = os.pathsep.join([str(PROJECT / ".venv/bin"), str(PROJECT / ".awscli/bin"), inherited["PATH"]])
    return inherited | {
        "HOME": home,
        "PATH": path,
        "TMPDIR": home,
        "XDG_RUNTIME_DIR": home,
        "AWS_PAGER": "",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "reader",
        "GIT_AUTHOR_EMAIL": "reader@example.com",
        "GIT_COMMITTER_NAME": "reader",
        "GIT_COMMITTER_EMAIL": "reader@example.com",
    }


def _stop(shell: subprocess.Popen[str]) -> None:
    """Stop the shell and the processes that the page started in the background."""
    try:
        os.killpg(shell.pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    shell.wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.docs.paste", description=__doc__)
    parser.add_argument("pages", nargs="*", type=Path, help="default: README.md and docs/*.md")
    pages = [page for page in parser.parse_args().pages or PAGES if list(blocks(page.read_text()))]
    if not port_is_free(DEFAULT_PORT):
        sys.exit(f"port {DEFAULT_PORT} is in use: stop the process that listens on it (`stepline down`)")
    failed = []
    for page in pages:
        _print(f"\n===== {page.name}")
        started = time.monotonic()
        if not paste(page):
            failed.append(page.name)
        _print(f"===== {page.name}: {time.monotonic() - started:.0f} s")
    _print(
        f"\n{len(pages)} pages, {len(failed)} failed: {', '.join(failed)}"
        if failed
        else f"\n{len(pages)} pages succeeded"
    )
    return 1 if failed else 0


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
