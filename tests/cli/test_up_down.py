"""`stepline up` and `stepline down` as processes, with a stub server."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepline.aws import local_servers
from stepline.processes import process_table
from tests.cli.stepline_processes import Stepline, stepline_processes
from tests.ports import free_port
from tests.waiting import wait_for


@pytest.fixture
def stepline(tmp_path: Path) -> Iterator[Stepline]:
    with stepline_processes(tmp_path) as command:
        yield command


def test_ctrl_c_stops_everything(stepline: Stepline) -> None:
    port = free_port()
    process = stepline.up(port)
    assert local_servers.read_health(port)["status"] == "ready"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    assert "Stopping the local AWS." in out
    stepline.assert_nothing_is_left(port)


def test_next_commands_are_shown(stepline: Stepline) -> None:
    port = free_port()
    code, out, _ = stepline.run("up", "--detach", "--port", str(port))
    assert code == 0
    url = f"http://127.0.0.1:{port}"
    for text in (
        f"git clone {url}/v1/repos/app",
        f"push --endpoint-url {url}",
        f"watch --endpoint-url {url}",
        f"export AWS_ENDPOINT_URL={url} AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local",
        f"down --port {port}",
    ):
        assert text in out
    assert "\x1b" not in out


def test_closed_terminal_stops_everything(stepline: Stepline) -> None:
    port = free_port()
    process = stepline.up(port)
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=20)
    stepline.assert_nothing_is_left(port)


def test_detached_local_aws_runs_until_down(stepline: Stepline) -> None:
    port = free_port()
    assert stepline.run("up", "--detach", "--port", str(port))[0] == 0
    assert local_servers.read_health(port)["status"] == "ready"
    assert stepline.run("down", "--port", str(port)) == (0, f"✓ Stopped the local AWS on port {port}.\n", "")
    stepline.assert_nothing_is_left(port)
    assert stepline.run("down", "--port", str(port)) == (0, f"No local AWS is running on port {port}.\n", "")


def test_allowed_hosts_and_origins_reach_the_server(
    stepline: Stepline, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("STEPLINE_ALLOW_ORIGIN", "http://localhost:3000 http://localhost:3001")
    hosts = ("--allow-host", "host.docker.internal", "--allow-host", "Build.Example.com")
    code, _, error = stepline.run("up", "--detach", "--port", str(port), *hosts)
    assert code == 0, error
    server = process_table.find_process(local_servers.read_health(port)["pid"])
    assert server is not None
    assert [word for word in server.command.split() if word.startswith("--allow")] == [
        "--allow-host=build.example.com",
        "--allow-host=host.docker.internal",
        "--allow-origin=http://localhost:3000",
        "--allow-origin=http://localhost:3001",
    ]


def test_allowed_host_with_a_port_is_rejected(stepline: Stepline) -> None:
    assert stepline.run("up", "--allow-host", "host.docker.internal:4566") == (
        1,
        "",
        "stepline: --allow-host host.docker.internal:4566: write a name without port, "
        "such as host.docker.internal\n",
    )


def test_down_stops_a_local_aws_in_another_terminal(stepline: Stepline) -> None:
    port = free_port()
    process = stepline.up(port)
    assert stepline.run("down", "--port", str(port))[0] == 0
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "The local AWS was stopped.\n", "")
    stepline.assert_nothing_is_left(port)


def test_down_stops_the_local_aws_of_the_environment(
    stepline: Stepline, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    process = stepline.up(port)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    assert stepline.run("down") == (0, f"✓ Stopped the local AWS on port {port}.\n", "")
    process.communicate(timeout=20)


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://localhost:4999", 4999),
        ("https://localhost.example.com:4999", 4566),
        ("http://127.0.0.1", 4566),
        ("", 4566),
    ],
)
def test_down_uses_the_port_of_local_endpoints_only(
    stepline: Stepline, monkeypatch: pytest.MonkeyPatch, url: str, port: int
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(stepline.temporary))
    assert stepline.run("down")[1] == f"No local AWS is running on port {port}.\n"


def test_malformed_endpoint_of_down_is_rejected(stepline: Stepline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:none")
    assert stepline.run("down")[2] == (
        "stepline: 'http://127.0.0.1:none' is not an endpoint URL: use --port\n"
    )


def test_failed_deployment_stops_the_local_aws(stepline: Stepline) -> None:
    port = free_port()
    code, _, err = stepline.run("up", "--detach", "--port", str(port), deployment="refused")
    assert (code, err) == (1, "stepline: cannot deploy template.yaml: Bucket: the name is taken\n")
    stepline.assert_nothing_is_left(port)


def test_local_aws_killed_during_a_deployment_is_reported(stepline: Stepline) -> None:
    port = free_port()
    code, _, err = stepline.run("up", "--detach", "--port", str(port), deployment="killed")
    assert (code, err) == (1, "stepline: the local AWS ended while working: its log is empty\n")
    stepline.assert_nothing_is_left(port)


def test_unexpected_end_of_the_local_aws_is_reported(stepline: Stepline) -> None:
    port = free_port()
    process = stepline.up(port, server="fails later")
    os.kill(local_servers.read_health(port)["pid"], signal.SIGUSR1)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (
        1,
        "stepline: the local AWS ended while running: stepline: out of memory\n",
    )
    stepline.assert_nothing_is_left(port)


def test_port_in_use_by_another_program_is_rejected(stepline: Stepline) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        code, _, err = stepline.run("up", "--port", str(port))
    assert code == 1
    assert err.startswith(f"stepline: port {port} is in use by ")
    assert f"(process {os.getpid()}): stop it, or use --port {port + 1}\n" in err
    assert len(err.splitlines()) == 1


def test_up_in_another_terminal_updates_and_returns(stepline: Stepline) -> None:
    port = free_port()
    first = stepline.up(port)
    server = local_servers.read_health(port)["pid"]
    code, out, err = stepline.run("up", "--port", str(port))
    assert (code, err) == (0, "")
    assert f"✓ Updating the local AWS on port {port}" in out
    assert "✓ Stack stepline is updated" in out
    assert "    + Queue (AWS::SQS::Queue)\n    ~ Table (AWS::DynamoDB::Table, replaced)\n" in out
    assert local_servers.read_health(port)["pid"] == server
    assert first.poll() is None


def test_failed_update_leaves_the_local_aws_running(stepline: Stepline) -> None:
    port = free_port()
    assert stepline.run("up", "--detach", "--port", str(port))[0] == 0
    code, _, err = stepline.run("up", "--detach", "--port", str(port), deployment="refused")
    assert (code, err) == (1, "stepline: cannot deploy template.yaml: Bucket: the name is taken\n")
    assert local_servers.read_health(port)["status"] == "ready"


def test_ctrl_c_during_an_update_leaves_the_local_aws_running(stepline: Stepline) -> None:
    port = free_port()
    assert stepline.run("up", "--detach", "--port", str(port))[0] == 0
    process = stepline.start("up", "--port", str(port), deployment="slow")
    assert process.stdout is not None
    assert any("Deploying template.yaml" in line for line in process.stdout)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "The local AWS continues, and an update that has begun, too.\n")
    assert local_servers.read_health(port)["status"] == "ready"


def test_allowed_hosts_of_a_running_local_aws_are_not_changed(stepline: Stepline) -> None:
    port = free_port()
    assert stepline.run("up", "--detach", "--port", str(port))[0] == 0
    code, _, err = stepline.run("up", "--port", str(port), "--allow-host", "host.docker.internal")
    assert code == 1
    assert f"them: stop it first, with `stepline down --port {port}`" in err


def test_local_aws_on_two_ports_are_independent(stepline: Stepline) -> None:
    one, two = free_port(), free_port()
    first, second = stepline.up(one), stepline.up(two)
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=20)
    assert local_servers.read_health(two)["status"] == "ready"
    second.send_signal(signal.SIGINT)
    second.communicate(timeout=20)
    stepline.assert_nothing_is_left(two)


def test_up_works_after_the_local_aws_was_killed(stepline: Stepline) -> None:
    port = free_port()
    assert stepline.run("up", "--detach", "--port", str(port), server="has children")[0] == 0
    killed = local_servers.read_health(port)["pid"]
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: local_servers.read_health(port) == {}, seconds=10)
    assert stepline.run("up", "--detach", "--port", str(port))[0] == 0
    assert all(each.group != killed for each in process_table.list_processes())
    assert len(list(stepline.temporary.iterdir())) == 1


def test_up_works_after_up_was_killed(stepline: Stepline) -> None:
    port = free_port()
    process = stepline.up(port)
    orphan = local_servers.read_health(port)["pid"]
    process.kill()
    process.communicate()
    assert stepline.run("up", "--detach", "--port", str(port))[0] == 0
    assert local_servers.read_health(port)["pid"] != orphan


def test_down_deletes_the_data_of_a_killed_local_aws(stepline: Stepline) -> None:
    port = free_port()
    assert stepline.run("up", "--detach", "--port", str(port))[0] == 0
    os.kill(local_servers.read_health(port)["pid"], signal.SIGKILL)
    wait_for(lambda: local_servers.read_health(port) == {}, seconds=10)
    code, out, _ = stepline.run("down", "--port", str(port))
    assert (code, out) == (
        0,
        f"No local AWS is running on port {port}; deleted the data of one that was killed.\n",
    )
    stepline.assert_nothing_is_left(port)


def test_missing_template_and_malformed_parameter_are_rejected(stepline: Stepline) -> None:
    code, _, err = stepline.run("up", "--template", "other.yaml")
    assert (code, err.count("\n")) == (1, 1)
    assert err.startswith("stepline: template other.yaml does not exist")
    assert stepline.run("up", "--parameter", "A") == (
        1,
        "",
        "stepline: --parameter A: write it as KEY=VALUE\n",
    )


def test_file_that_is_not_a_template_is_rejected_before_the_start(stepline: Stepline) -> None:
    (stepline.folder / "notes.yaml").write_text("a: 1\n")
    code, out, err = stepline.run("up", "--template", "notes.yaml")
    assert (code, out) == (1, "")
    assert err == "stepline: notes.yaml is not a CloudFormation template: it has no Resources\n"


def test_missing_git_is_rejected(stepline: Stepline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    code, _, err = stepline.run("up")
    assert (code, err) == (
        1,
        "stepline: git is not installed: install it (for example `apt install git`) and try again\n",
    )
