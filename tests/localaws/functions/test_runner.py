"""The function runner: functions in processes of AWS's runtime client."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stepline.localaws.functions import (
    CodeError,
    FunctionRunner,
    FunctionsError,
    RequestTooLargeError,
    processes,
)
from stepline.localaws.functions.code_store import CodeStore
from stepline.localaws.functions.execution_environment import ExecutionEnvironment
from stepline.localaws.functions.processes import Processes
from stepline.localaws.functions.runtime_api import RuntimeApi
from stepline.localaws.functions.settings import USUAL_ENVIRONMENTS
from tests.localaws.functions.conftest import Invoke, archive, version
from tests.waiting import wait_for

MAX_WAIT_SECONDS = 20.0


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_invocation_returns_result_and_log(invoke: Invoke) -> None:
    result = invoke("app.echo", '{"a": "ü"}'.encode())
    assert json.loads(result.payload) == {"a": "ü"}
    assert result.function_error is None
    assert result.log.splitlines() == ['event {"a": "\\u00fc"}', "to stderr"]


def test_warm_environment_is_reused_without_its_earlier_log(invoke: Invoke) -> None:
    assert [invoke("app.counts").payload for _ in range(3)] == [b"1", b"2", b"3"]
    assert invoke("app.echo", b"1").log == invoke("app.echo", b"1").log


@pytest.mark.parametrize("change", [{"environment": {}}, {"timeout_seconds": 9.0}, {"handler": "app.echo"}])
def test_changed_configuration_runs_in_another_environment(
    runner: FunctionRunner, code: bytes, change: dict[str, object]
) -> None:
    def count(**settings: object) -> bytes:
        function = version(**{"handler": "app.counts", **settings})  # type: ignore[arg-type]
        return runner.invoke(function, lambda: code, b"{}", request_id="r").payload

    assert count() == b"1"
    assert count(**change) in {b"1", b"{}"}
    assert count() == b"2"


def test_function_sees_lambda_s_environment_and_no_credentials(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mine")
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("HOME", "/home/mine")
    seen = json.loads(invoke("app.environment", timeout_seconds=7.0).payload)
    variables = seen["variables"]
    assert "mine" not in str({key: value for key, value in variables.items() if key != "PATH"})
    assert variables["SETTING"] == "value"
    assert variables["_HANDLER"] == "app.environment"
    assert variables["AWS_REGION"] == variables["AWS_DEFAULT_REGION"] == "eu-central-1"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "function"
    assert variables["AWS_LAMBDA_FUNCTION_VERSION"] == "$LATEST"
    assert variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == seen["memory"] == "256"
    assert variables["AWS_LAMBDA_LOG_GROUP_NAME"] == "/aws/lambda/function"
    assert variables["AWS_EXECUTION_ENV"] == f"AWS_Lambda_python3.{sys.version_info.minor}"
    assert variables["TZ"] == ":UTC"
    assert variables["LAMBDA_TASK_ROOT"] == seen["cwd"]
    assert Path(seen["cwd"]).is_relative_to(tmp_path)
    assert seen["request_id"] == "request-1"
    assert seen["arn"] == "arn:aws:lambda:eu-central-1:000000000000:function:function"
    assert 6000 < seen["remaining"] <= 7000
    assert seen["stdin"] == ""


def test_exception_becomes_an_error_document(invoke: Invoke) -> None:
    result = invoke("app.fails")
    document = json.loads(result.payload)
    assert result.function_error == "Unhandled"
    assert (document["errorType"], document["errorMessage"]) == ("ValueError", "this is wrong")
    assert document["requestId"] == "request-1"
    assert document["stackTrace"][0].startswith('  File "/var/task/app.py", line ')
    assert "in fails" in document["stackTrace"][0]
    assert result.log.startswith("[ERROR] ValueError: this is wrong\nTraceback (most recent call last):\n")


def test_time_out_kills_the_process_and_its_children(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "pids"
    result = invoke("app.sleeps", json.dumps({"file": str(file)}).encode(), timeout_seconds=0.5)
    assert json.loads(result.payload) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: request-1 Error: Task timed out after 0.50 seconds",
    }
    assert result.function_error == "Unhandled"
    assert result.log.endswith("Z request-1 Task timed out after 0.50 seconds\n")
    for pid in json.loads(file.read_text()):
        wait_for(lambda pid=pid: not is_running(pid), seconds=MAX_WAIT_SECONDS)  # type: ignore[misc]
    assert invoke("app.echo", b"1").payload == b"1"


def test_exit_of_the_process_is_reported_as_runtime_exit_error(invoke: Invoke) -> None:
    result = invoke("app.exits")
    assert json.loads(result.payload) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "RequestId: request-1 Error: Runtime exited with error: exit status 3",
    }
    assert result.log == (
        "about to exit\n"
        "RequestId: request-1 Error: Runtime exited with error: exit status 3\n"
        "Runtime.ExitError\n"
    )


@pytest.mark.parametrize(
    ("handler", "source", "error_type", "message"),
    [
        ("app.missing", "", "Runtime.HandlerNotFound", "Handler 'missing' missing on module 'app'"),
        (
            "none.handler",
            "",
            "Runtime.ImportModuleError",
            "Unable to import module 'none': No module named 'none'",
        ),
        ("app.handler", "import nothing_there", "Runtime.ImportModuleError", "Unable to import module 'app'"),
        ("app.handler", "def broken(", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("app.handler", "raise KeyError('no')", "KeyError", "'no'"),
        ("app.handler", "import os; os._exit(5)", "Runtime.ExitError", "exit status 5"),
    ],
)
def test_function_that_cannot_be_loaded_is_reported(
    runner: FunctionRunner, handler: str, source: str, error_type: str, message: str
) -> None:
    for _ in range(2):  # a second attempt starts another process
        result = runner.invoke(version(handler), lambda: archive(app=source), b"{}", request_id="r")
        document = json.loads(result.payload)
        assert document["errorType"] == error_type
        assert message in document["errorMessage"]
        assert result.function_error == "Unhandled"


def test_function_runs_where_python_cannot_wait_without_reaping(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delattr(os, "waitid", raising=False)
    monkeypatch.setattr(processes, "_CAN_FORK", False)
    assert [invoke("app.counts").payload for _ in range(2)] == [b"1", b"2"]
    assert b"Runtime exited with error: exit status 3" in invoke("app.exits").payload
    event = json.dumps({"file": str(tmp_path / "pids")}).encode()
    assert b"Sandbox.Timedout" in invoke("app.sleeps", event, timeout_seconds=0.5).payload


def test_payloads_beyond_the_limits_are_refused(invoke: Invoke) -> None:
    assert len(invoke("app.large", b"6000000").payload) == 6_000_002
    assert json.loads(invoke("app.large", b"6500000").payload)["errorType"] == "Function.ResponseSizeTooLarge"
    with pytest.raises(RequestTooLargeError, match="must be smaller than 6291456 bytes"):
        invoke("app.echo", b"1" * 6_291_457)


def test_large_event_and_log_are_complete(invoke: Invoke) -> None:
    event = json.dumps("x" * 3_000_000).encode()
    result = invoke("app.echo", event)
    assert result.payload == event
    assert len(result.log) > 3_000_000


def test_invocations_that_wait_for_each_other_run_in_parallel(tmp_path: Path, code: bytes) -> None:
    """There are more of them than the usual number of environments."""
    runner = FunctionRunner(tmp_path / "functions", stall_seconds=0.02)
    folder = tmp_path / "files"
    folder.mkdir()
    processes = USUAL_ENVIRONMENTS + 2
    event = json.dumps({"folder": str(folder), "processes": processes}).encode()

    def invoke(_: int) -> bytes:
        return runner.invoke(version("app.waits_for_others"), lambda: code, event, request_id="r").payload

    with ThreadPoolExecutor(processes) as pool:
        pids = list(pool.map(invoke, range(processes)))
    runner.close()
    assert len(set(pids)) == processes


def test_burst_of_short_invocations_starts_few_processes(tmp_path: Path, code: bytes) -> None:
    runner = FunctionRunner(tmp_path / "functions", stall_seconds=MAX_WAIT_SECONDS)

    def count(_: int) -> int:
        return int(runner.invoke(version("app.counts"), lambda: code, b"{}", request_id="r").payload)

    with ThreadPoolExecutor(20) as pool:
        counts = list(pool.map(count, range(100)))
    runner.close()
    assert counts.count(1) <= USUAL_ENVIRONMENTS


def test_environment_that_ended_while_idle_is_replaced(runner: FunctionRunner, invoke: Invoke) -> None:
    assert invoke("app.counts").payload == b"1"
    (environment,) = runner._all
    os.kill(environment._process.pid, signal.SIGKILL)
    wait_for(lambda: not environment.alive, seconds=MAX_WAIT_SECONDS)
    assert invoke("app.counts").payload == b"1"
    assert environment not in runner._all


def test_discarded_function_runs_in_a_new_environment(runner: FunctionRunner, invoke: Invoke) -> None:
    assert invoke("app.counts").payload == b"1"
    runner.discard("another")
    assert invoke("app.counts").payload == b"2"
    runner.discard("function")
    assert invoke("app.counts").payload == b"1"


def test_idle_environment_is_ended(tmp_path: Path, code: bytes) -> None:
    runner = FunctionRunner(tmp_path, idle_seconds=0.01)
    payload = runner.invoke(version("app.environment"), lambda: code, b"{}", request_id="r").payload
    scratch = Path(json.loads(payload)["variables"]["TMPDIR"])
    wait_for(lambda: not scratch.exists(), seconds=MAX_WAIT_SECONDS)
    runner.close()


def test_code_is_unpacked_once(runner: FunctionRunner, code: bytes) -> None:
    calls: list[None] = []

    def code_zip() -> bytes:
        calls.append(None)
        return code

    for name in ("one", "two"):
        runner.invoke(version(name=name), code_zip, b"{}", request_id="r")
    assert len(calls) == 1


@pytest.mark.parametrize("name", ["../outside.py", "/outside.py", "a/../../outside.py", "..\\outside.py"])
def test_archive_with_a_path_outside_its_folder_is_refused(
    runner: FunctionRunner, tmp_path: Path, name: str
) -> None:
    evil = archive(**{name.removesuffix(".py"): "x = 1"})
    with pytest.raises(CodeError, match="is a path outside the archive"):
        runner.invoke(version(), lambda: evil, b"{}", request_id="r")
    assert not list(tmp_path.rglob("outside.py"))


def test_package_that_is_not_a_zip_is_refused(runner: FunctionRunner) -> None:
    with pytest.raises(CodeError, match="Could not unzip uploaded file"):
        runner.invoke(version(), lambda: b"nonsense", b"{}", request_id="r")


def test_invocation_of_a_closed_environment_reports_runtime_exit_error(tmp_path: Path, code: bytes) -> None:
    """`close` may run between the end of the process and the reading of its log."""
    api, store, processes = RuntimeApi(), CodeStore(tmp_path), Processes()
    function = version("app.echo")
    environment = ExecutionEnvironment(
        function,
        store.folder(function.code_sha256, lambda: code),
        api,
        tmp_path,
        processes=processes,
    )
    environment.close()
    result = environment.invoke(b"{}", request_id="r", trace_id=None)
    assert json.loads(result.payload)["errorType"] == "Runtime.ExitError"
    processes.close()
    api.close()
    store.close()


def test_close_ends_processes_and_threads_and_removes_files(tmp_path: Path, code: bytes) -> None:
    threads = threading.active_count()
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    directory = tmp_path / "functions"
    runner = FunctionRunner(directory)
    file = tmp_path / "pids"
    event = json.dumps({"file": str(file)}).encode()
    results = []
    busy = threading.Thread(
        target=lambda: results.append(
            runner.invoke(version("app.sleeps"), lambda: code, event, request_id="r").payload
        )
    )
    busy.start()
    runner.invoke(version("app.echo"), lambda: code, b"{}", request_id="r")
    wait_for(file.exists, seconds=MAX_WAIT_SECONDS)
    runner.close()
    busy.join(MAX_WAIT_SECONDS)
    assert json.loads(results[0])["errorType"] == "Runtime.ExitError"
    assert list(directory.iterdir()) == []
    wait_for(lambda: threading.active_count() == threads, seconds=MAX_WAIT_SECONDS)
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors
    for pid in json.loads(file.read_text()):
        wait_for(lambda pid=pid: not is_running(pid), seconds=MAX_WAIT_SECONDS)  # type: ignore[misc]
    with pytest.raises(FunctionsError):
        runner.invoke(version(), lambda: code, b"{}", request_id="r")


def test_processes_end_when_the_runner_is_killed(tmp_path: Path, code: bytes) -> None:
    (tmp_path / "code.zip").write_bytes(code)
    program = f"""
import json, pathlib
from stepline.localaws.functions import FunctionRunner
from tests.localaws.functions.conftest import version
folder = pathlib.Path({str(tmp_path)!r})
runner = FunctionRunner(folder / "functions")
event = json.dumps({{"file": str(folder / "pids")}}).encode()
function = version("app.sleeps", timeout_seconds=600.0)
runner.invoke(function, (folder / "code.zip").read_bytes, event, request_id="r")
"""
    parent = subprocess.Popen([sys.executable, "-c", program])
    try:
        wait_for((tmp_path / "pids").exists, seconds=MAX_WAIT_SECONDS)
        pids = json.loads((tmp_path / "pids").read_text())
        assert all(map(is_running, pids))
    finally:
        parent.kill()
        parent.wait()
    for pid in pids:
        wait_for(
            lambda pid=pid: not is_running(pid),  # type: ignore[misc]
            lambda pid=pid: f"{pid} outlived the runner",  # type: ignore[misc]
            seconds=MAX_WAIT_SECONDS,
        )


def test_channel_may_be_closed_after_the_runtime_api() -> None:
    """An invocation may end after the local AWS was stopped."""
    api = RuntimeApi()
    channel = api.open()
    api.close_channel(channel)
    api.close()
    api.close_channel(channel)
