"""Runs AWS's Lambda runtime client in a process that ends with its parent.

Started as a file, by the interpreter that runs stepline: `python launcher.py HANDLER`. Standard input is a
pipe whose other end only the parent holds. When the parent ends, in whatever way, the pipe closes, and this
process kills itself and its children.
"""

import os
import runpy
import signal
import sys
import threading


def main() -> None:
    parent = os.dup(0)  # not inherited by child processes
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    sys.argv[0] = "awslambdaric"
    runpy.run_module("awslambdaric", run_name="__main__")


def _end_with(parent: int) -> None:
    os.read(parent, 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
