"""`stepline run` as a user calls it: it leaves a page of the run, and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from stepline.processes import process_table, server_process
from tests.ports import free_port


def test_run_shows_its_console_and_ends_with_a_saved_page(
    environment: dict[str, str], tmp_path: Path
) -> None:
    port, console_port = free_port(), free_port()
    result = subprocess.run(
        [
            *(sys.executable, "-m", "stepline", "run", "--port", str(port)),
            *("--console-port", str(console_port)),
        ],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    live = re.search(r"^In the browser: (.*)$", result.stdout, re.MULTILINE)
    assert live
    assert live[1].startswith(f"http://127.0.0.1:{console_port}/pipelines/stepline/executions/")
    last = result.stdout.splitlines()[-1]
    assert last.startswith("See it in the browser: file://")
    page = Path(unquote(urlsplit(last.rpartition(" ")[2]).path))
    assert page == tmp_path.resolve() / ".stepline/run.html"
    assert live[1].rpartition("/")[2] in page.read_text()
    assert [each.name for each in tmp_path.iterdir()] == [".stepline"]
    assert server_process.port_is_free(port)
    assert server_process.port_is_free(console_port)
    assert not [each for each in process_table.list_processes() if f"stepline-{port}-" in each.command]
