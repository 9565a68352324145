"""HTTP transport: large and encoded bodies, clients that disconnect, the end of the service."""

from __future__ import annotations

import gzip
import http.client
import logging
import os
import random
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stepline.core.errors import UsageError
from stepline.localaws.clock import VirtualClock
from stepline.localaws.codecommit import CodeCommit
from stepline.localaws.codecommit.backend import Traffic
from stepline.localaws.codecommit.settings import CHUNK_BYTES
from stepline.localaws.context import Context
from stepline.localaws.protocol import in_process_client
from tests.localaws.codecommit.git_client import TIMEOUT_SECONDS, GitClient, WorkingCopy
from tests.localaws.codecommit.processes import processes_of
from tests.localaws.codecommit.served import EventLog, Events, Repo, Served, serve
from tests.waiting import wait_for

LARGE_BYTES = 60 * 1024 * 1024
TRANSFER_LOGGER = "stepline.localaws.codecommit.smart_http"


def random_bytes(size: int) -> bytes:
    """Return bytes that do not compress."""
    return random.Random(1).randbytes(size)


def test_large_push_and_clone_are_streamed(
    repo: Repo, git: GitClient, work: WorkingCopy, events: Events, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, TRANSFER_LOGGER)
    work.run("config", "core.compression", "0")
    commit_id = work.commit({"large": random_bytes(LARGE_BYTES)})

    work.push("main")
    clone = git.clone(repo.url, "clone", "--no-checkout")

    assert clone.run("rev-parse", "HEAD") == commit_id
    assert len(events.all) == 1
    traffic = [item for record in caplog.records for item in record.args or () if isinstance(item, Traffic)]
    received, sent = max(item.received for item in traffic), max(item.sent for item in traffic)
    assert received > LARGE_BYTES
    assert sent > LARGE_BYTES
    assert max(item.peak_buffered for item in traffic) <= 2 * CHUNK_BYTES


def request_body(work: WorkingCopy) -> bytes:
    """Return the body of a protocol v0 fetch of everything."""
    want = work.run("rev-parse", "HEAD")
    return f"0032want {want}\n00000009done\n".encode()


def fetch(repo: Repo, served: Served, body: Any, headers: dict[str, str]) -> bytes:
    """Send `body` whole with its length or, if it is an iterator, in chunks, and return the response."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=TIMEOUT_SECONDS)
    path = f"/v1/repos/{repo.name}/git-upload-pack"
    content_type = {"Content-Type": "application/x-git-upload-pack-request"}
    connection.request("POST", path, body=body, headers={**content_type, **headers})
    response = connection.getresponse()
    assert response.status == 200
    assert response.headers["content-type"] == "application/x-git-upload-pack-result"
    content: bytes = response.read()
    connection.close()
    return content


def test_gzipped_and_chunked_request_bodies_are_accepted(
    repo: Repo, served: Served, work: WorkingCopy
) -> None:
    work.commit({"a": "1"})
    work.push("main")
    body = request_body(work)
    plain = fetch(repo, served, body, {})
    assert b"PACK" in plain
    zipped = gzip.compress(body)
    assert fetch(repo, served, zipped, {"Content-Encoding": "gzip"}) == plain
    assert fetch(repo, served, iter([body[:7], body[7:]]), {}) == plain
    assert fetch(repo, served, iter([zipped[:7], zipped[7:]]), {"Content-Encoding": "gzip"}) == plain


def test_expect_100_continue_is_honored(repo: Repo, served: Served, work: WorkingCopy) -> None:
    work.commit({"a": "1"})
    work.push("main")
    body = request_body(work)
    head = (
        f"POST /v1/repos/{repo.name}/git-upload-pack HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: application/x-git-upload-pack-request\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", served.port), timeout=TIMEOUT_SECONDS) as connection:
        connection.sendall(head.encode())
        with connection.makefile("rb") as reader:
            assert reader.readline().startswith(b"HTTP/1.1 100")
            connection.sendall(body)
            assert b"PACK" in reader.read()


def test_body_that_git_rejects_unread_gets_a_response(repo: Repo, served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=TIMEOUT_SECONDS)
    path = f"/v1/repos/{repo.name}/git-receive-pack"
    connection.request("POST", path, body=bytes(5_000_000), headers={"Content-Type": "text/plain"})
    assert connection.getresponse().status == 415
    connection.close()


def test_interrupted_push_leaves_no_process_and_no_file(
    repo: Repo, served: Served, work: WorkingCopy, events: Events
) -> None:
    work.commit({"a": "1"})
    work.push("main")
    path = served.repository_path(repo.repository_id)
    before = sorted(file for file in path.rglob("*") if file.is_file())
    connection = _start_push(repo, served, work.run("rev-parse", "HEAD"))
    wait_for(lambda: processes_of(path) != [], seconds=10)

    connection.close()

    wait_for(lambda: processes_of(path) == [], seconds=10)
    wait_for(lambda: not served.service._process_groups.running, seconds=10)
    assert sorted(file for file in path.rglob("*") if file.is_file()) == before
    assert list((served.directory / "work").iterdir()) == []
    work.commit({"a": "2"})
    work.push("main")
    assert len(events.all) == 2


def test_disconnect_during_a_fetch_stops_git(repo: Repo, served: Served, work: WorkingCopy) -> None:
    work.run("config", "core.compression", "0")
    work.commit({"large": random_bytes(8 * 1024 * 1024)})
    work.push("main")
    body = request_body(work)
    path = served.repository_path(repo.repository_id)
    with socket.create_connection(("127.0.0.1", served.port), timeout=TIMEOUT_SECONDS) as connection:
        connection.sendall(
            f"POST /v1/repos/{repo.name}/git-upload-pack HTTP/1.1\r\nHost: localhost\r\n"
            "Content-Type: application/x-git-upload-pack-request\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
        assert processes_of(path)
    wait_for(lambda: processes_of(path) == [], seconds=10)


def _start_push(repo: Repo, served: Served, old: str) -> socket.socket:
    """Open a connection and send the first part of a push."""
    command = f"{old} {'1' * 40} refs/heads/main\0report-status".encode()
    beginning = b"%04x%s0000PACK\0\0\0\2\0\0\0\1" % (len(command) + 4, command)
    connection = socket.create_connection(("127.0.0.1", served.port), timeout=TIMEOUT_SECONDS)
    connection.sendall(
        f"POST /v1/repos/{repo.name}/git-receive-pack HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: application/x-git-receive-pack-request\r\nContent-Length: 100000\r\n\r\n".encode()
        + beginning
    )
    return connection


def test_received_push_is_completed_although_the_client_disconnects(
    repo: Repo, served: Served, work: WorkingCopy, events: Events
) -> None:
    new = work.commit({"a": "1"})
    command = f"{'0' * 40} {new} refs/heads/main\0report-status".encode()
    objects = work.run("rev-list", "--objects", "HEAD").encode()
    pack = subprocess.run(
        ["git", "pack-objects", "--stdout", "-q"],
        input=b"\n".join(line.split()[0] for line in objects.splitlines()) + b"\n",
        cwd=work.path,
        env=work.client.environment,
        capture_output=True,
        check=True,
    ).stdout
    body = b"%04x%s0000%s" % (len(command) + 4, command, pack)
    with socket.create_connection(("127.0.0.1", served.port), timeout=TIMEOUT_SECONDS) as connection:
        connection.sendall(
            f"POST /v1/repos/{repo.name}/git-receive-pack HTTP/1.1\r\nHost: localhost\r\n"
            "Content-Type: application/x-git-receive-pack-request\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
    events.wait_for(1)
    assert events.details()[0]["commitId"] == new


def test_close_ends_processes_and_leaves_no_file_outside(tmp_path: Path) -> None:
    directory = tmp_path / "codecommit"
    with serve(directory, VirtualClock()) as served:
        client = in_process_client(served.service)
        metadata = client.create_repository(repositoryName="app")["repositoryMetadata"]
        repo = Repo("app", metadata["repositoryId"], served.url("app"), served.events.of("app"))
        with _start_push(repo, served, "0" * 40):
            path = served.repository_path(repo.repository_id)
            wait_for(lambda: processes_of(path) != [], seconds=10)
            served.service.close()
            wait_for(lambda: processes_of(path) == [], seconds=10)
    assert [entry.name for entry in tmp_path.iterdir()] == ["codecommit"]
    assert {entry.name for entry in directory.iterdir()} == {"connected", "home", "repositories"}


def test_push_to_a_deleted_repository_is_rejected(client: Any, repo: Repo, work: WorkingCopy) -> None:
    client.delete_repository(repositoryName=repo.name)
    work.commit({"a": "1"})
    result = work.try_run("push", "origin", "main")
    assert f"remote: {repo.name} does not exist" in result.stderr


def test_git_configuration_of_the_user_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".gitconfig").write_text('[core]\n\thooksPath = "/nowhere"\n[user]\n\tname = Somebody\n')
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody")
    context = Context(VirtualClock(), EventLog())
    service = CodeCommit(context, directory=tmp_path / "codecommit", base_url="http://localhost")
    client = in_process_client(service)
    client.create_repository(repositoryName="app")
    response = client.put_file(repositoryName="app", branchName="main", filePath="a", fileContent=b"a")
    commit = client.get_commit(repositoryName="app", commitId=response["commitId"])["commit"]
    assert commit["author"] == {"name": "root", "email": "", "date": "1767225600 +0000"}


@pytest.mark.parametrize("missing", ["git", "http-backend"])
def test_missing_git_is_an_error_that_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    if missing == "http-backend":
        (programs / "git").write_text(f"#!/bin/sh\necho {programs}\n")
        (programs / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}/bin" if missing == "http-backend" else str(programs))
    with pytest.raises(UsageError) as caught:
        CodeCommit(Context(VirtualClock(), EventLog()), directory=tmp_path / "d", base_url="http://localhost")
    assert "install" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_failing_event_sink_does_not_fail_the_push(tmp_path: Path, git: GitClient) -> None:
    with serve(tmp_path / "codecommit", VirtualClock()) as served:
        in_process_client(served.service).create_repository(repositoryName="app")
        work = git.new("work", served.url("app"))
        work.commit({"a": "1"})
        served.events.fail = True
        work.push("main")
        served.events.fail = False
        work.push("main:other")
        assert [event.detail["referenceName"] for event in served.events.all] == ["other"]
