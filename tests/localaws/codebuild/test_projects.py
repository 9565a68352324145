"""Projects: they are stored as they were created, and requests that AWS refuses are refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localaws.codebuild.world import ENVIRONMENT, ROLE_ARN, World


def test_project_has_the_defaults_of_codebuild(world: World) -> None:
    project = world.create_project(tags=[{"key": "stage", "value": "dev"}])
    assert project["arn"] == "arn:aws:codebuild:us-east-1:000000000000:project/app"
    assert project["timeoutInMinutes"] == 60
    assert project["queuedTimeoutInMinutes"] == 480
    assert project["cache"] == {"type": "NO_CACHE"}
    assert project["badge"] == {"badgeEnabled": False}
    assert project["tags"] == [{"key": "stage", "value": "dev"}]
    assert world.client.batch_get_projects(names=["app", "none"]) | {"ResponseMetadata": None} == {
        "projects": [project],
        "projectsNotFound": ["none"],
        "ResponseMetadata": None,
    }


def test_project_is_found_by_its_arn(world: World) -> None:
    arn = world.create_project()["arn"]
    (project,) = world.client.batch_get_projects(names=[arn])["projects"]
    assert project["name"] == "app"


def test_update_keeps_what_it_does_not_name(world: World) -> None:
    world.create_project(description="first")
    updated = world.client.update_project(name="app", timeoutInMinutes=5)["project"]
    assert (updated["description"], updated["timeoutInMinutes"]) == ("first", 5)


def test_projects_are_listed_and_deleted(world: World) -> None:
    for name in ("b1", "a1"):
        world.create_project(name)
    assert world.client.list_projects()["projects"] == ["a1", "b1"]
    assert world.client.list_projects(sortOrder="DESCENDING")["projects"] == ["b1", "a1"]
    world.client.delete_project(name="a1")
    world.client.delete_project(name="a1")
    assert world.client.list_projects()["projects"] == ["b1"]


def test_second_project_of_a_name_is_refused(world: World) -> None:
    world.create_project()
    with pytest.raises(world.client.exceptions.ResourceAlreadyExistsException, match="project/app"):
        world.create_project()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": {"type": "S3"}}, "location is required"),
        ({"source": {"type": "CODEPIPELINE"}}, "CODEPIPELINE"),
        ({"artifacts": {"type": "S3"}}, "location is required"),
        ({"secondarySources": [{"type": "NO_SOURCE"}]}, "sourceIdentifier"),
        ({"secondaryArtifacts": [{"type": "S3", "location": "b"}]}, "artifactIdentifier"),
    ],
)
def test_invalid_project_is_refused(world: World, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(world.client.exceptions.InvalidInputException, match=message):
        world.create_project(**changes)


def test_role_that_does_not_trust_codebuild_is_refused(world: World) -> None:
    world.roles.untrusting.add(ROLE_ARN)
    with pytest.raises(world.client.exceptions.InvalidInputException, match="not authorized to perform"):
        world.create_project()


def test_project_of_a_pipeline_is_built_only_by_a_pipeline(world: World) -> None:
    world.create_project(source={"type": "CODEPIPELINE"}, artifacts={"type": "CODEPIPELINE"})
    with pytest.raises(world.client.exceptions.InvalidInputException, match="CODEPIPELINE"):
        world.start()


def test_unknown_project_is_not_built(world: World) -> None:
    with pytest.raises(world.client.exceptions.ResourceNotFoundException, match="project/none"):
        world.start("none")


def test_environment_is_shown_with_the_overrides_of_the_build(world: World) -> None:
    variables = [{"name": "A", "value": "1", "type": "PLAINTEXT"}, {"name": "B", "value": "2"}]
    world.create_project(environment={**ENVIRONMENT, "environmentVariables": variables})
    build = world.run(
        environmentVariablesOverride=[{"name": "B", "value": "3", "type": "PLAINTEXT"}],
        imageOverride="other:1",
    )
    assert build["environment"]["image"] == "other:1"
    assert build["environment"]["environmentVariables"] == [
        {"name": "A", "value": "1", "type": "PLAINTEXT"},
        {"name": "B", "value": "3", "type": "PLAINTEXT"},
    ]
