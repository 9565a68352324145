"""CodePipeline with the local CodeCommit."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from stepline.localaws.codecommit import CodeCommit
from stepline.localaws.codepipeline import CodeCommitSource, CodePipeline, Settings
from stepline.localaws.context import Context
from stepline.localaws.protocol import in_process_client
from tests.localaws.codepipeline.fakes import World, lambda_action, pipeline, service_clients, stage


def test_commit_becomes_an_artifact_and_variables(world: World, tmp_path: Path) -> None:
    context = Context(world.clock, lambda _event: None)
    repositories = CodeCommit(context, directory=tmp_path, base_url="http://127.0.0.1:4566")
    codecommit = in_process_client(repositories)
    service = CodePipeline(
        Context(world.clock, world.events.append),
        clients=service_clients(world.s3, world.sts, world.lambda_),
        sources={"CodeCommit": CodeCommitSource(codecommit, repositories.archive)},
        settings=Settings(start_on_create=False),
    )
    world.client = in_process_client(service)
    world.lambda_.functions["trigger"] = world.succeed
    parameters = {"UserParameters": "#{SourceVariables.CommitId} #{SourceVariables.CommitMessage}"}
    world.client.create_pipeline(pipeline=pipeline(stage("Deploy", lambda_action(configuration=parameters))))
    try:
        codecommit.create_repository(repositoryName="app")
        assert world.status(world.run()) == "Failed"
        assert "no branch named main" in world.latest("Source", "Source")["errorDetails"]["message"]

        commit_id = codecommit.create_commit(
            repositoryName="app",
            branchName="main",
            authorName="A",
            email="a@example.com",
            commitMessage="Hello",
            putFiles=[{"filePath": "app/hello.txt", "fileContent": b"hello"}],
        )["commitId"]
        assert world.status(world.run()) == "Succeeded"
    finally:
        repositories.close()

    (body,) = world.artifacts
    assert zipfile.ZipFile(io.BytesIO(body)).read("app/hello.txt") == b"hello"
    (job,) = world.lambda_.jobs
    assert job["data"]["inputArtifacts"][0]["revision"] == commit_id
    parameters = job["data"]["actionConfiguration"]["configuration"]
    assert parameters["UserParameters"].rstrip() == f"{commit_id} Hello"
