"""The process in which the commands of a build run, one after another: it ends when the local AWS ends.

Run as a file: `python runner.py DESCRIPTOR`. Each line of standard input is a command as JSON, with `argv`,
`cwd` and `env`. The process runs it and writes its exit code as a line to the descriptor. Processes that a
command leaves in the background stay until the build ends. When standard input closes, because the build or
the local AWS has ended for any reason, this process kills itself and everything that it started.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from typing import Any

_BY_SIGNAL = 128
_NOT_FOUND = 127
"""The exit code of a shell for a program that does not exist."""


def main() -> None:
    replies = os.fdopen(int(sys.argv[1]), "w")
    requests: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    while True:
        replies.write(f"{_run(json.loads(requests.get()))}\n")
        replies.flush()


def _read(requests: "queue.Queue[bytes]") -> None:
    for line in sys.stdin.buffer:
        requests.put(line)
    os.killpg(0, signal.SIGKILL)


def _run(request: dict[str, Any]) -> int:
    argv, cwd, env = request["argv"], request["cwd"], request["env"]
    try:
        code = subprocess.call(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL)  # noqa: S603 - its purpose
    except OSError as error:
        sys.stderr.write(f"exec {argv}: {error.strerror}\n")
        return _NOT_FOUND
    return code if code >= 0 else _BY_SIGNAL - code


if __name__ == "__main__":
    main()
