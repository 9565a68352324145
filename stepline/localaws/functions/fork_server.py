"""Starts processes of Python functions that have imported the AWS SDK already.

That is most of the time that a function takes to start. Started as a file, by the interpreter that runs
stepline: `python fork_server.py DESCRIPTOR LAUNCHER`. For each request on that socket it forks a process,
which runs the file `launcher.py`. Messages are JSON objects:

    -> {"start": {"handler", "folder", "variables"}}, with two descriptors: standard input, and the log
    <- {"started": PID}, or {"refused": REASON} if the function needs an interpreter of its own
    <- {"exited": PID, "code": CODE}, as subprocess has it; the number is not used again before
    -> {"reap": PID}

Descriptors of functions are closed here, so that the pipe of a function has two ends only.
"""

import os
import sys

_SHARED_MODULES = ("boto3",)
"""Not the runtime client, which reads its address from the environment when it is imported."""
_READ_AT_START = ("DYLD_", "LANG", "LC_", "LD_", "OPENSSL_", "PYTHON")
"""Variables with these prefixes have an effect while an interpreter starts or imports its modules."""
_READ_FROM_PATH = frozenset({"sitecustomize", "usercustomize"})
_SEARCH_PATH = "PYTHONPATH"
_SET_AT_START = "LC_CTYPE"
"""Python sets it where the machine has no locale of LANG [PEP 538], unless LC_ALL is set."""
_MAX_MESSAGE_BYTES = 1_000_000  # the kernel refuses to send as many


def main() -> None:
    own = set(sys.modules)  # what each interpreter has imported
    import runpy  # noqa: PLC0415

    if serve(int(sys.argv[1]), own):
        sys.argv[:1] = []
        runpy.run_path(sys.argv[0], run_name="__main__")


def serve(descriptor: int, own: set[str]) -> bool:
    """Return True in a process for a function, and False when the other end of the socket is closed."""
    import json  # noqa: PLC0415
    import select  # noqa: PLC0415
    import signal  # noqa: PLC0415
    import socket  # noqa: PLC0415

    shared = _import_shared(own)
    connection = socket.socket(fileno=descriptor)
    wakeups, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakeup)
    children: set[int] = set()
    while True:
        ready, _, _ = select.select([descriptor, wakeups], [], [])
        if wakeups in ready:
            os.read(wakeups, 4096)
            for message in _exits(children):
                connection.send(json.dumps(message).encode())
        if descriptor not in ready:
            continue
        text, descriptors, _, _ = socket.recv_fds(connection, _MAX_MESSAGE_BYTES, 2)
        if not text:
            return False
        request = json.loads(text)
        if "reap" in request:
            os.waitpid(request["reap"], 0)
            continue
        start = request["start"]
        response: dict[str, object]
        if reason := _why_not(start["variables"], shared):
            response = {"refused": reason}
        elif pid := _fork():
            children.add(pid)
            response = {"started": pid}
        else:
            _stop_serving(wakeups, wakeup)
            connection.close()
            _become(start, *descriptors)
            return True
        for received in descriptors:
            os.close(received)
        connection.send(json.dumps(response).encode())


def _import_shared(own: set[str]) -> set[str]:
    """Import what functions share. Return the packages that not every interpreter has imported."""
    import gc  # noqa: PLC0415
    import importlib  # noqa: PLC0415

    for name in _SHARED_MODULES:
        importlib.import_module(name)
    shared = {name.partition(".")[0] for name in sys.modules if name not in own}
    gc.freeze()
    return shared


def _fork() -> int:
    """Return as os.fork does, once the new process leads a process group, which can be killed."""
    waiting, leading = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.close(waiting)
    os.close(leading)
    if pid:
        os.read(waiting, 1)  # the new process has closed its end
        os.close(waiting)
    return pid


def _exits(children: set[int]) -> list[dict[str, object]]:
    """Return messages about the children that have exited, and remove them."""
    messages: list[dict[str, object]] = []
    for pid in sorted(children):
        result = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if result is not None:
            children.discard(pid)
            has_exited = result.si_code == os.CLD_EXITED
            messages.append({"exited": pid, "code": result.si_status if has_exited else -result.si_status})
    return messages


def _why_not(variables: dict[str, str], shared: set[str]) -> str:
    """Return why a function cannot share what is imported here, or an empty text."""
    if _SET_AT_START in variables:
        return f"it has the variable {_SET_AT_START}"
    for name in {*variables, *os.environ} - {_SEARCH_PATH, _SET_AT_START}:
        if name.startswith(_READ_AT_START) and variables.get(name) != os.environ.get(name):
            return f"it has the variable {name}"
    for folder in variables[_SEARCH_PATH].split(":"):
        if os.path.isdir(folder):  # noqa: PTH112 - pathlib would be one more module
            names = {entry.partition(".")[0] for entry in os.listdir(folder)}  # noqa: PTH208
            if brought := names & (shared | _READ_FROM_PATH):
                return f"it brings {min(brought)}"
    return ""


def _stop_serving(wakeups: int, wakeup: int) -> None:
    """Handle no signals of children in this copy any more."""
    import signal  # noqa: PLC0415

    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.close(wakeups)
    os.close(wakeup)


def _become(start: dict[str, object], standard_input: int, log: int) -> None:
    """Make this copy what a new interpreter would be that runs `launcher.py HANDLER`."""
    import time  # noqa: PLC0415

    os.dup2(standard_input, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(standard_input)
    os.close(log)
    kept = {name: value for name, value in os.environ.items() if name == _SET_AT_START}
    os.environ.clear()
    os.environ.update(kept | start["variables"])  # type: ignore[operator]
    time.tzset()
    os.chdir(str(start["folder"]))
    sys.path[:0] = os.environ[_SEARCH_PATH].split(":")
    sys.argv[1:] = [sys.argv[2], str(start["handler"])]


if __name__ == "__main__":
    main()
