"""The parent process of a job's program: it forwards SIGTERM, and ends when the local AWS ends.

Run as a file: `python supervisor.py PROGRAM ARGUMENT...`. Standard input is a pipe whose other end only the
local AWS holds. When the local AWS ends for any reason, the pipe closes, and this process kills itself and
everything that it started. The exit code is the program's, or 128 plus the number of the signal that ended
it, like a container's.
"""

import os
import signal
import subprocess
import sys
import threading

_BY_SIGNAL = 128
_NOT_FOUND = 127
"""The exit code of a shell for a program that does not exist."""


def main() -> None:
    try:
        child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)  # noqa: S603 - its purpose
    except OSError as error:
        sys.exit(_not_started(error))
    signal.signal(signal.SIGTERM, lambda number, _frame: child.send_signal(number))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    code = child.wait()
    os._exit(code if code >= 0 else _BY_SIGNAL - code)


def _end_with_parent() -> None:
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL)


def _not_started(error: OSError) -> int:
    sys.stderr.write(f"exec {sys.argv[1]}: {error.strerror}\n")
    return _NOT_FOUND


if __name__ == "__main__":
    main()
