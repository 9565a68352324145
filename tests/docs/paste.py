"""`python -m tests.docs.paste [PAGE ...]`: run every command of the pages, as somebody who pastes them.

The ```bash blocks of a page run one after the other in one shell, in a copy of the project's folder, with its
virtual environment and the `aws` command line, and nothing of the user's own AWS; each must end with 0.
A block below the line `<!-- not pasted: REASON -->` is left out. Each page begins with no local AWS
on the standard port, and must leave none.
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
_BEGINNING = """set -e
trap 'echo "FAILED: $BASH_COMMAND" >&2' ERR
"""
_TIMEOUT_SECONDS = 300.0


def blocks(page: str) -> Iterator[str]:
    """The commands of each block that is to be pasted."""
    for match in _BLOCK.finditer(page):
        if not match["before"].startswith(_LEFT_OUT):
            yield match["commands"]


def paste(page: Path) -> bool:
    """Run the page's commands; whether all of them worked, and left nothing running."""
    script = _BEGINNING + "".join(blocks(page.read_text()))
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
            _say(f"{page.name}: not done after {_TIMEOUT_SECONDS:g} s")
        finally:
            _end(shell)
        is_left = not port_is_free(DEFAULT_PORT)
        if is_left:
            _say(f"{page.name}: leaves a local AWS running")
            subprocess.run(["stepline", "down"], env=_environment(home), check=False)
    return shell.returncode == 0 and not is_left


def _copy(folder: Path) -> Path:
    """The project without what git ignores, but with its environment."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        if (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)
    (folder / ".venv").symlink_to(PROJECT / ".venv")
    return folder


def _environment(home: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "STEPLINE_"))}
    path = os.pathsep.join([str(PROJECT / ".venv/bin"), str(PROJECT / ".awscli/bin"), kept["PATH"]])
    return kept | {
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


def _end(shell: subprocess.Popen[str]) -> None:
    """The shell, and what a page has started in the background."""
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
        sys.exit(f"port {DEFAULT_PORT} is in use: stop what listens there (`stepline down`)")
    failed = []
    for page in pages:
        _say(f"\n===== {page.name}")
        began = time.monotonic()
        if not paste(page):
            failed.append(page.name)
        _say(f"===== {page.name}: {time.monotonic() - began:.0f} s")
    _say(
        f"\n{len(pages)} pages, {len(failed)} failed: {', '.join(failed)}"
        if failed
        else f"\n{len(pages)} pages worked"
    )
    return 1 if failed else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
