"""Clone and fetch with the ordinary git client, and what is not served."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.localaws.codecommit.git_client import GitClient
from tests.localaws.codecommit.served import Served


def test_clone_shallow_clone_and_fetch(client: Any, served: Served, git: GitClient) -> None:
    client.create_repository(repositoryName="app")
    work = git.new("work", served.url("app"), branch="trunk")
    work.commit({"a": "1"})
    work.push("trunk")
    work.commit({"a": "2"})
    work.push("trunk")

    clone = git.clone(served.url("app"), "clone")
    shallow = git.clone(served.url("app"), "shallow", "--depth=1")
    third = work.commit({"b/c": "3"})
    work.push("trunk")
    clone.run("pull", "--quiet")

    assert clone.run("symbolic-ref", "HEAD") == "refs/heads/trunk"
    assert clone.run("rev-parse", "HEAD") == third
    assert (clone.path / "b" / "c").read_text() == "3"
    assert shallow.run("rev-list", "--count", "HEAD") == "1"


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_every_version_of_the_protocol(client: Any, served: Served, git: GitClient, version: str) -> None:
    client.create_repository(repositoryName="app")
    work = git.new("work", served.url("app"))
    work.run("config", "protocol.version", version)
    work.commit({"a": "1"})
    work.push("main")
    work.run("fetch", "--quiet", "origin")

    clone = git.clone(served.url("app"), "clone", "--config", f"protocol.version={version}")

    assert (clone.path / "a").read_text() == "1"


def test_an_empty_repository_can_be_cloned(client: Any, served: Served, git: GitClient) -> None:
    client.create_repository(repositoryName="app")
    assert git.clone(served.url("app"), "clone").run("symbolic-ref", "HEAD") == "refs/heads/main"


def test_credentials_are_accepted_and_ignored(client: Any, served: Served, git: GitClient) -> None:
    client.create_repository(repositoryName="app")
    url = served.url("app").replace("http://", "http://AKIDEXAMPLE:20260101T000000Z0123456789abcdef@")
    work = git.new("work", url)
    work.commit({"a": "1"})
    work.push("main")
    assert work.run("ls-remote", "--heads", "origin")


def test_repositories_are_apart(client: Any, served: Served, git: GitClient) -> None:
    for name in ("one", "two"):
        client.create_repository(repositoryName=name)
        work = git.new(f"work-{name}", served.url(name))
        work.commit({"name": name})
        work.push("main")
    for name in ("one", "two"):
        assert (git.clone(served.url(name), name).path / "name").read_text() == name


def test_an_unknown_repository_is_a_clear_error(served: Served, git: GitClient) -> None:
    result = git.try_run("clone", served.url("nothing"), "clone")
    assert result.returncode != 0
    assert "remote: nothing does not exist" in result.stderr
    assert "not found" in result.stderr


@pytest.mark.parametrize(
    "path",
    [
        "/v1/repos/app",
        "/v1/repos/app/",
        "/v1/repos/app/HEAD",
        "/v1/repos/app/config",
        "/v1/repos/app/objects/info/packs",
        "/v1/repos/app/stepline.json",
        "/v1/repos/../repositories/info/refs?service=git-upload-pack",
        "/v1/repos/%2e%2e/info/refs?service=git-upload-pack",
        "/v1/repos/app%2f..%2fapp/info/refs?service=git-upload-pack",
        "/v1/repos/app%00/info/refs?service=git-upload-pack",
        "/v1/repos/app%0a/info/refs?service=git-upload-pack",
        "/v1/repos/./info/refs?service=git-upload-pack",
        "/v1/repos//info/refs?service=git-upload-pack",
        "/v1/repos/app/../app/info/refs?service=git-upload-pack",
        "/v1/repos/app/git-upload-archive",
        "/",
    ],
)
def test_only_the_known_paths_are_served(client: Any, served: Served, path: str) -> None:
    client.create_repository(repositoryName="app")
    assert _status(f"{served.base_url}{path}") == 404


def test_dumb_http_and_wrong_methods_are_refused(client: Any, served: Served) -> None:
    client.create_repository(repositoryName="app")
    assert _status(f"{served.url('app')}/info/refs") == 403
    assert _status(f"{served.url('app')}/info/refs?service=git-upload-archive") == 403
    assert _status(f"{served.url('app')}/git-upload-pack") == 405
    assert _status(f"{served.url('app')}/info/refs?service=git-upload-pack", method="POST") == 405


def _status(url: str, *, method: str = "GET") -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method)) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
