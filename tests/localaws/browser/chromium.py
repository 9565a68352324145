"""Runs Chromium, as Debian's package `chromium` installs it, without a window."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.chromium import find_chromium, sandbox_options

_OPTIONS = (
    "--headless",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-popup-blocking",  # an attacker waits for a click of the user, who then gets windows
    "--no-first-run",
    "--no-proxy-server",
)


@contextlib.contextmanager
def open_page(url: str, *, names: dict[str, str]) -> Iterator[None]:
    """Show a page until the end of the block; `names` are host names with the addresses that they have."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            _command(Path(folder), url, names=names),
            env=os.environ | {"HOME": folder},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def read_page(url: str, *, names: dict[str, str]) -> str:
    """Return the page's elements as HTML after it has loaded, as if the user had entered the address."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = _command(Path(folder), "--dump-dom", url, names=names)
        result = subprocess.run(
            command, env=os.environ | {"HOME": folder}, capture_output=True, text=True, timeout=60, check=True
        )
        return result.stdout


def _command(folder: Path, *arguments: str, names: dict[str, str]) -> list[str]:
    rules = ",".join(f"MAP {name} {address}" for name, address in names.items())
    options = [*_OPTIONS, *sandbox_options(), f"--user-data-dir={folder}", f"--host-resolver-rules={rules}"]
    return [find_chromium(), *options, *arguments]
