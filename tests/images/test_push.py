"""Pushing images to AWS with a container engine, and deleting them."""

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
from stepline.images.delete import delete_images, find_images, list_images
from stepline.images.engines import Engine, find_engine
from stepline.images.push import PushedImage, push_folder
from tests.images.fake_ecr import PASSWORD, FakeEcr, FakeSession

URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/jobs"


@dataclass
class FakeEngine:
    """A container engine that pushes to `ecr`; `failing_subcommand` exits with 1."""

    ecr: FakeEcr
    failing_subcommand: str = ""
    commands: list[list[str]] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)

    def run(self, command: Sequence[str], *, input: str | None, **_settings: Any) -> Any:  # noqa: A002
        self.commands.append(list(command))
        if input is not None:
            self.inputs.append(input)
        if command[1] == "push":
            self.ecr.push("sha256:built", command[-1].rpartition(":")[2])
        return subprocess.CompletedProcess(command, int(command[1] == self.failing_subcommand))


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


def test_push_builds_logs_in_and_pushes_both_tags(folder: Path, ecr: FakeEcr, engine: FakeEngine) -> None:
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


def test_password_is_not_on_the_command_line(folder: Path, ecr: FakeEcr, engine: FakeEngine) -> None:
    push(folder, ecr, engine)
    assert engine.inputs == [PASSWORD]
    assert PASSWORD not in str(engine.commands)


def test_stored_image_gets_the_tag_latest_without_a_build(
    folder: Path, ecr: FakeEcr, engine: FakeEngine
) -> None:
    ecr.images = {"sha256:old": [content_tag(folder)], "sha256:newer": ["content-1", "latest"]}
    pushed = push(folder, ecr, engine)
    assert (pushed.digest, pushed.is_new) == ("sha256:old", False)
    assert ecr.images == {"sha256:old": [content_tag(folder), "latest"], "sha256:newer": ["content-1"]}
    assert engine.commands == []
    assert push(folder, ecr, engine).digest == "sha256:old"  # it has the tag already


def test_chosen_tag_is_pushed_with_latest(folder: Path, ecr: FakeEcr, engine: FakeEngine) -> None:
    assert push(folder, ecr, engine, tag="v1").tags == ("v1", "latest")


@pytest.mark.parametrize("subcommand", ["build", "login", "push"])
def test_failure_of_the_engine_is_reported(
    folder: Path, ecr: FakeEcr, engine: FakeEngine, subcommand: str
) -> None:
    engine.failing_subcommand = subcommand
    with pytest.raises(UsageError, match=f"`docker {subcommand}` failed"):
        push(folder, ecr, engine)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"uri": f"{URI}:latest"}, "is not the URI of an ECR repository"),
        ({"uri": URI.replace("/jobs", "/others")}, "deploy its stack first"),
        ({"tag": "a b"}, "is not a tag"),
    ],
)
def test_invalid_arguments_are_rejected_before_a_build(
    folder: Path, ecr: FakeEcr, engine: FakeEngine, arguments: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        push(folder, ecr, engine, **arguments)
    assert engine.commands == []


def test_folder_without_a_dockerfile_is_rejected(tmp_path: Path, ecr: FakeEcr, engine: FakeEngine) -> None:
    with pytest.raises(UsageError, match="Dockerfile does not exist"):
        push(tmp_path, ecr, engine)


def test_first_installed_engine_is_used() -> None:
    assert find_engine(lambda name: f"/usr/bin/{name}" if name != "docker" else None).name == "podman"
    with pytest.raises(UsageError, match="docker, podman, finch"):
        find_engine(lambda _name: None)


def test_missing_engine_program_is_reported() -> None:
    with pytest.raises(UsageError, match="cannot run stepline-no-such-engine"):
        Engine("stepline-no-such-engine").build(Path(), ())


def test_images_are_deleted_by_tag_and_digest(ecr: FakeEcr) -> None:
    client: Any = ecr
    ecr.images = {"sha256:1": ["content-1"], "sha256:2": ["content-2", "latest"], "sha256:3": []}
    stored = list_images(client, "jobs")
    assert [str(image) for image in stored] == [
        "sha256:3 (no tag)",
        "sha256:2 (content-2, latest)",
        "sha256:1 (content-1)",
    ]
    chosen = find_images(stored, ["latest", "sha256:1", "content-2"])
    assert [image.digest for image in chosen] == ["sha256:2", "sha256:1"]
    delete_images(client, "jobs", chosen)
    assert ecr.images == {"sha256:3": []}


def test_unknown_image_and_repository_are_rejected(ecr: FakeEcr) -> None:
    client: Any = ecr
    ecr.images = {"sha256:1": ["v1"]}
    with pytest.raises(UsageError, match=r"image 'v2' does not exist; the images are: sha256:1 \(v1\)"):
        find_images(list_images(client, "jobs"), ["v2"])
    with pytest.raises(UsageError, match="repository others does not exist"):
        list_images(client, "others")


def test_images_that_ecr_does_not_delete_are_reported(ecr: FakeEcr) -> None:
    client: Any = ecr
    ecr.images, ecr.undeletable = {"sha256:1": ["v1"]}, {"sha256:1"}
    with pytest.raises(UsageError, match="ECR did not delete sha256:1: is referenced"):
        delete_images(client, "jobs", list_images(client, "jobs"))


def test_many_images_are_deleted_in_several_requests(ecr: FakeEcr, monkeypatch: pytest.MonkeyPatch) -> None:
    client: Any = ecr
    monkeypatch.setattr(delete, "MAX_IMAGES", 2)
    ecr.images = {f"sha256:{number}": [] for number in range(5)}
    delete_images(client, "jobs", list_images(client, "jobs"))
    assert ecr.deletions == [2, 2, 1]
    assert ecr.images == {}
