"""Pushing to AWS with a container engine, and deleting."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from stepline.core.errors import UsageError
from stepline.images import delete
from stepline.images.context import content_tag
from stepline.images.delete import choose, delete_images, list_images
from stepline.images.engines import Engine, find_engine
from stepline.images.push import PushedImage, push_folder
from tests.images.fake_ecr import PASSWORD, FakeEcr, FakeSession

URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/jobs"


@dataclass
class FakeEngine:
    """A container engine that pushes to `ecr`; `fails` names the subcommand that does not work."""

    ecr: FakeEcr
    fails: str = ""
    commands: list[list[str]] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)

    def run(self, command: Sequence[str], *, input: str | None, **_settings: Any) -> Any:  # noqa: A002
        self.commands.append(list(command))
        if input is not None:
            self.inputs.append(input)
        if command[1] == "push":
            self.ecr.push("sha256:built", command[-1].rpartition(":")[2])
        return subprocess.CompletedProcess(command, int(command[1] == self.fails))


@pytest.fixture
def ecr() -> FakeEcr:
    return FakeEcr()


@pytest.fixture
def engine(ecr: FakeEcr) -> FakeEngine:
    return FakeEngine(ecr)


def push(
    folder: Path, ecr: FakeEcr, engine: FakeEngine, *, uri: str = URI, tag: str | None = None
) -> PushedImage:
    session: Any = FakeSession(ecr)
    return push_folder(
        folder, repository_uri=uri, session=session, tag=tag, engine=lambda: Engine("docker", engine.run)
    )


def test_a_push_builds_logs_in_and_pushes_both_tags(folder: Path, ecr: FakeEcr, engine: FakeEngine) -> None:
    pushed = push(folder, ecr, engine)
    tag = content_tag(folder)
    assert pushed.digest == "sha256:built"
    assert pushed.tags == (tag, "latest")
    assert engine.commands == [
        [
            *["docker", "build", "--platform", "linux/amd64", "--tag"],
            f"{URI}:{tag}",
            "--tag",
            f"{URI}:latest",
            str(folder),
        ],
        ["docker", "login", "--username", "AWS", "--password-stdin", URI.removesuffix("/jobs")],
        ["docker", "push", f"{URI}:{tag}"],
        ["docker", "push", f"{URI}:latest"],
    ]


def test_the_password_is_on_no_command_line(folder: Path, ecr: FakeEcr, engine: FakeEngine) -> None:
    push(folder, ecr, engine)
    assert engine.inputs == [PASSWORD]
    assert PASSWORD not in str(engine.commands)


def test_what_is_there_already_becomes_the_latest_without_a_build(
    folder: Path, ecr: FakeEcr, engine: FakeEngine
) -> None:
    ecr.images = {"sha256:old": [content_tag(folder)], "sha256:newer": ["content-1", "latest"]}
    pushed = push(folder, ecr, engine)
    assert (pushed.digest, pushed.is_new) == ("sha256:old", False)
    assert ecr.images == {"sha256:old": [content_tag(folder), "latest"], "sha256:newer": ["content-1"]}
    assert engine.commands == []
    assert push(folder, ecr, engine).digest == "sha256:old"  # and once more


def test_a_tag_of_ones_own(folder: Path, ecr: FakeEcr, engine: FakeEngine) -> None:
    assert push(folder, ecr, engine, tag="v1").tags == ("v1", "latest")


@pytest.mark.parametrize("subcommand", ["build", "login", "push"])
def test_an_engine_that_fails_is_named(
    folder: Path, ecr: FakeEcr, engine: FakeEngine, subcommand: str
) -> None:
    engine.fails = subcommand
    with pytest.raises(UsageError, match=f"`docker {subcommand}` failed"):
        push(folder, ecr, engine)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"uri": f"{URI}:latest"}, "is not the URI of an ECR repository"),
        ({"uri": URI.replace("/jobs", "/others")}, "deploy its stack first"),
        ({"tag": "a b"}, "is not a tag"),
    ],
)
def test_what_cannot_be_pushed(
    folder: Path, ecr: FakeEcr, engine: FakeEngine, arguments: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        push(folder, ecr, engine, **arguments)
    assert engine.commands == []


def test_a_folder_without_a_dockerfile(tmp_path: Path, ecr: FakeEcr, engine: FakeEngine) -> None:
    with pytest.raises(UsageError, match=r"there is no .*Dockerfile"):
        push(tmp_path, ecr, engine)


def test_the_first_engine_that_is_installed_is_used() -> None:
    assert find_engine(lambda name: f"/usr/bin/{name}" if name != "docker" else None).name == "podman"
    with pytest.raises(UsageError, match="docker, podman, finch"):
        find_engine(lambda _name: None)


def test_an_engine_that_went_away() -> None:
    with pytest.raises(UsageError, match="cannot be run"):
        Engine("stepline-no-such-engine").build(Path(), ())


def test_deleting_by_tag_and_digest(ecr: FakeEcr) -> None:
    client: Any = ecr
    ecr.images = {"sha256:1": ["content-1"], "sha256:2": ["content-2", "latest"], "sha256:3": []}
    stored = list_images(client, "jobs")
    assert [str(image) for image in stored] == [
        "sha256:3 (no tag)",
        "sha256:2 (content-2, latest)",
        "sha256:1 (content-1)",
    ]
    chosen = choose(stored, ["latest", "sha256:1", "content-2"])
    assert [image.digest for image in chosen] == ["sha256:2", "sha256:1"]
    delete_images(client, "jobs", chosen)
    assert ecr.images == {"sha256:3": []}


def test_an_image_that_is_not_there_is_named(ecr: FakeEcr) -> None:
    client: Any = ecr
    ecr.images = {"sha256:1": ["v1"]}
    with pytest.raises(UsageError, match=r"no image 'v2'; there are: sha256:1 \(v1\)"):
        choose(list_images(client, "jobs"), ["v2"])
    with pytest.raises(UsageError, match="there is no repository others"):
        list_images(client, "others")


def test_what_ecr_keeps_is_told(ecr: FakeEcr) -> None:
    client: Any = ecr
    ecr.images, ecr.kept = {"sha256:1": ["v1"]}, {"sha256:1"}
    with pytest.raises(UsageError, match="ECR did not delete sha256:1: is referenced"):
        delete_images(client, "jobs", list_images(client, "jobs"))


def test_many_images_are_deleted_in_parts(ecr: FakeEcr, monkeypatch: pytest.MonkeyPatch) -> None:
    client: Any = ecr
    monkeypatch.setattr(delete, "MAX_DELETED", 2)
    ecr.images = {f"sha256:{number}": [] for number in range(5)}
    delete_images(client, "jobs", list_images(client, "jobs"))
    assert ecr.deletions == [2, 2, 1]
    assert ecr.images == {}
