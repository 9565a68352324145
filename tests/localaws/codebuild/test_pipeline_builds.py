"""Builds of a pipeline's actions: their sources and artifacts are those of the action."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stepline.localaws.codebuild import Build, PipelineArtifact, PipelineInput, PipelineSource, S3Object
from stepline.localaws.iam import Actor
from tests.localaws.codebuild.world import BUCKET, World, context, statuses
from tests.waiting import wait_for

CONNECTION = "arn:aws:codestar-connections:us-east-1:000000000000:connection/1"


def spec(*commands: str, **artifacts: Any) -> str:
    document = {"version": "0.2", "phases": {"build": {"commands": commands}}}
    return json.dumps({**document, **({"artifacts": artifacts} if artifacts else {})})


def put(world: World, name: str, files: Mapping[str, str]) -> PipelineSource:
    """Write an input artifact."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    world.s3.objects[BUCKET, name] = content.getvalue()
    return PipelineSource(name, S3Object(BUCKET, name), "revision-1")


def output(name: str, kms_key_id: str | None = None) -> PipelineArtifact:
    return PipelineArtifact(name, S3Object(BUCKET, f"out/{name}"), kms_key_id)


def run(
    world: World, buildspec: str, sources: list[PipelineSource], *outputs: PipelineArtifact
) -> dict[str, Any]:
    """Run a build of a pipeline, and return it."""
    if not world.client.list_projects()["projects"]:
        world.create_project(source={"type": "CODEPIPELINE"}, artifacts={"type": "CODEPIPELINE"})
    pipeline = PipelineInput(initiator="codepipeline/p", sources=tuple(sources), artifacts=outputs)
    params = {"projectName": "app", "buildspecOverride": buildspec}
    build: Build = world.service.start_for_pipeline(params, pipeline)
    world.clock.advance(0)
    return world.wait(build.id)


def test_single_source_and_its_revision(world: World) -> None:
    source = put(world, "Source", {"a": "one\n"})
    build = run(
        world, spec("cat a", "echo $CODEBUILD_RESOLVED_SOURCE_VERSION $CODEBUILD_INITIATOR"), [source]
    )
    assert world.output(build) == ["one", "revision-1 codepipeline/p"]
    assert build["source"]["type"] == "CODEPIPELINE"
    assert build["sourceVersion"] == f"arn:aws:s3:::{BUCKET}/Source"
    assert build["resolvedSourceVersion"] == "revision-1"


def test_second_source_has_its_folder_in_a_variable(world: World) -> None:
    sources = [put(world, "Source", {"a": "one\n"}), put(world, "Other", {"a": "two\n"})]
    build = run(world, spec("cat a", "cat $CODEBUILD_SRC_DIR_Other/a"), sources)
    assert world.output(build) == ["one", "two"]


def test_one_output_is_the_primary_artifact(world: World) -> None:
    source = put(world, "Source", {"a": "one"})
    build = run(world, spec("true", files=["a"]), [source], output("Built"))
    assert world.artifact("out/Built") == {"a": "one"}
    (artifact,) = build["secondaryArtifacts"]
    assert artifact["location"] == f"arn:aws:s3:::{BUCKET}/out/Built"


def test_several_outputs_are_secondary_artifacts(world: World) -> None:
    source = put(world, "Source", {"a": "one", "b": "two"})
    sections = {"A": {"files": ["a"]}, "B": {"files": ["b"]}}
    buildspec = spec("true", files=["**/*"], **{"secondary-artifacts": sections})
    run(world, buildspec, [source], output("A"), output("B"))
    assert (world.artifact("out/A"), world.artifact("out/B")) == ({"a": "one"}, {"b": "two"})


def test_buildspec_without_artifacts_writes_no_output(world: World) -> None:
    source = put(world, "Source", {"a": "one"})
    build = run(world, spec("true"), [source], output("Built"))
    assert build["buildStatus"] == "SUCCEEDED"
    assert (BUCKET, "out/Built") not in world.s3.objects
    assert "The buildspec has no artifacts: the output artifact Built is not written" in world.log(build)


def test_one_of_several_outputs_that_the_buildspec_does_not_have_fails_the_upload(world: World) -> None:
    source = put(world, "Source", {"a": "one"})
    build = run(world, spec("true", files=["a"]), [source], output("A"), output("B"))
    assert statuses(build)["UPLOAD_ARTIFACTS"] == "FAILED"
    assert "output artifact A" in context(build, "UPLOAD_ARTIFACTS")[1]


def test_artifact_is_encrypted_with_the_key_of_the_store(world: World) -> None:
    source = put(world, "Source", {"a": "one"})
    run(world, spec("true", files=["a"]), [source], output("Built", "alias/key"))
    (request,) = world.s3.called("PutObject")
    assert request.headers["x-amz-server-side-encryption-aws-kms-key-id"] == "alias/key"
    assert request.headers["x-amz-meta-codebuild-buildarn"].startswith("arn:aws:codebuild:")


def test_commands_run_without_a_project_and_are_not_listed(world: World) -> None:
    source = put(world, "Source", {"a": "one\n"})
    build = world.service.start_commands(
        "p-Commands",
        spec("cat a", "echo $AWS_ACCESS_KEY_ID $TOKEN"),
        PipelineInput(initiator="codepipeline/p", sources=(source,)),
        actor=Actor("codepipeline.amazonaws.com", "arn:aws:iam::000000000000:role/pipeline", "p"),
        log_group="/aws/codepipeline/p",
        timeout_minutes=55,
        variables=[{"name": "TOKEN", "value": "secret", "type": "PLAINTEXT"}],
    )
    world.clock.advance(0)
    wait_for(lambda: build.is_complete)
    assert build.status == "SUCCEEDED"
    lines = world.logs.streams["/aws/codepipeline/p", build.uuid]
    assert [line for line in lines if not line.startswith("[Container]")] == ["one", "pipeline secret"]
    assert world.client.list_builds()["ids"] == []


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two commits."""
    folder = tmp_path / "repository"
    folder.mkdir()
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    git(folder, "init", "-q", "-b", "main")
    for text in ("one", "two"):
        (folder / "a").write_text(text)
        git(folder, "add", "a")
        git(folder, *identity, "commit", "-q", "-m", text)
    return folder


def git(folder: Path, *arguments: str) -> str:
    result = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return result.stdout.strip()


def put_reference(world: World, repository: Path, **variables: str) -> PipelineSource:
    """Write the artifact of a source action with OutputArtifactFormat CODEBUILD_CLONE_REF."""
    commit = git(repository, "rev-parse", "HEAD~1")
    reference = {"cloneUrl": str(repository), "commitId": commit, "variables": variables}
    world.s3.objects[BUCKET, "Source"] = json.dumps(reference).encode()
    return PipelineSource("Source", S3Object(BUCKET, "Source"), commit)


def test_full_clone_has_the_history(world: World, repository: Path) -> None:
    source = put_reference(world, repository, ConnectionArn=CONNECTION)
    build = run(world, spec("cat a && echo", "git log --all --format=%s"), [source])
    assert world.output(build) == ["one", "two", "one"]


@pytest.mark.parametrize(
    ("variables", "permission"),
    [({"ConnectionArn": CONNECTION}, "codestar-connections:UseConnection"), ({}, "codecommit:GitPull")],
)
def test_full_clone_needs_a_permission_of_the_project(
    world: World, repository: Path, variables: dict[str, str], permission: str
) -> None:
    world.roles.denied = {permission, "codeconnections:UseConnection"}
    build = run(world, spec("true"), [put_reference(world, repository, **variables)])
    code, message = context(build, "DOWNLOAD_SOURCE")
    assert code == "CLIENT_ERROR"
    assert message.startswith("authorization failed for primary source and source version ")
    assert permission in message
