"""Clone and fetch with the git client, and requests that are rejected."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.localaws.codecommit.git_client import GitClient, WorkingCopy
from tests.localaws.codecommit.served import Repo, Served


def test_repository_can_be_cloned_cloned_shallowly_and_fetched(
    repo: Repo, git: GitClient, work: WorkingCopy
) -> None:
    work.commit({"a": "1"})
    work.push("main:trunk")
    work.commit({"a": "2"})
    work.push("main:trunk")

    clone = git.clone(repo.url, "clone")
    shallow = git.clone(repo.url, "shallow", "--depth=1")
    third = work.commit({"b/c": "3"})
    work.push("main:trunk")
    clone.run("pull", "--quiet")

    assert clone.run("symbolic-ref", "HEAD") == "refs/heads/trunk"
    assert clone.run("rev-parse", "HEAD") == third
    assert (clone.path / "b" / "c").read_text() == "3"
    assert shallow.run("rev-list", "--count", "HEAD") == "1"


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_every_version_of_the_git_protocol_is_served(
    repo: Repo, git: GitClient, work: WorkingCopy, version: str
) -> None:
    work.run("config", "protocol.version", version)
    work.commit({"a": "1"})
    work.push("main")

    clone = git.clone(repo.url, "clone", "--config", f"protocol.version={version}")

    assert (clone.path / "a").read_text() == "1"


def test_empty_repository_can_be_cloned(repo: Repo, git: GitClient) -> None:
    assert git.clone(repo.url, "clone").run("symbolic-ref", "HEAD") == "refs/heads/main"


def test_credentials_are_accepted_and_ignored(repo: Repo, git: GitClient) -> None:
    url = repo.url.replace("http://", "http://AKIDEXAMPLE:20260101T000000Z0123456789abcdef@")
    work = git.new("work", url)
    work.commit({"a": "1"})
    work.push("main")
    assert work.run("ls-remote", "--heads", "origin")


def test_repositories_have_separate_contents(client: Any, served: Served, git: GitClient) -> None:
    for name in ("apart-1", "apart-2"):
        client.create_repository(repositoryName=name)
        work = git.new(f"work-{name}", served.url(name))
        work.commit({"name": name})
        work.push("main")
    for name in ("apart-1", "apart-2"):
        assert (git.clone(served.url(name), name).path / "name").read_text() == name


def test_clone_of_an_unknown_repository_names_it(served: Served, git: GitClient) -> None:
    result = git.try_run("clone", served.url("nothing"), "clone")
    assert result.returncode != 0
    assert "remote: nothing does not exist" in result.stderr
    assert "not found" in result.stderr


@pytest.mark.parametrize(
    "path",
    [
        "/v1/repos/{name}",
        "/v1/repos/{name}/",
        "/v1/repos/{name}/HEAD",
        "/v1/repos/{name}/config",
        "/v1/repos/{name}/objects/info/packs",
        "/v1/repos/{name}/stepline.json",
        "/v1/repos/{id}/info/refs?service=git-upload-pack",
        "/v1/repos/../repositories/{id}/info/refs?service=git-upload-pack",
        "/v1/repos/%2e%2e/info/refs?service=git-upload-pack",
        "/v1/repos/{name}%2f..%2f{name}/info/refs?service=git-upload-pack",
        "/v1/repos/{name}%00/info/refs?service=git-upload-pack",
        "/v1/repos/{name}%0a/info/refs?service=git-upload-pack",
        "/v1/repos/./info/refs?service=git-upload-pack",
        "/v1/repos//info/refs?service=git-upload-pack",
        "/v1/repos/{name}/../{name}/info/refs?service=git-upload-pack",
        "/v1/repos/{name}/git-upload-archive",
        "/",
    ],
)
def test_other_paths_are_not_found(repo: Repo, served: Served, path: str) -> None:
    assert _status(served.base_url + path.format(name=repo.name, id=repo.repository_id)) == 404


def test_dumb_http_and_wrong_methods_are_rejected(repo: Repo) -> None:
    assert _status(f"{repo.url}/info/refs") == 403
    assert _status(f"{repo.url}/info/refs?service=git-upload-archive") == 403
    assert _status(f"{repo.url}/git-upload-pack") == 405
    assert _status(f"{repo.url}/info/refs?service=git-upload-pack", method="POST") == 405


def _status(url: str, *, method: str = "GET") -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method)) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
