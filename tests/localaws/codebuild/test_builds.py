"""Builds: real processes that end when they should, and leave nothing behind."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from stepline.localaws.codebuild import scheduler
from tests.localaws.codebuild.world import BUCKET, ENVIRONMENT, World, context, error, statuses
from tests.waiting import wait_for


def spec(*commands: str, **sections: Any) -> str:
    return json.dumps({"version": "0.2", "phases": {"build": {"commands": commands}}, **sections})


def is_running(pid_file: Path) -> bool:
    try:
        os.kill(int(pid_file.read_text()), 0)
    except ProcessLookupError:
        return False
    return not Path(f"/proc/{pid_file.read_text().strip()}/stat").exists() or (
        Path(f"/proc/{pid_file.read_text().strip()}/stat").read_text().split(") ")[1][0] != "Z"
    )


def start_sleeping(world: World, tmp_path: Path, **params: Any) -> tuple[str, Path]:
    """Start a build that does not end by itself; return its id, and the file with the id of its process."""
    pid_file = tmp_path / "pid"
    command = f"sleep 600 & echo $! > {pid_file}; wait"
    world.create_project(source={"type": "NO_SOURCE", "buildspec": spec(command)}, **params)
    build_id = world.start()
    wait_for(lambda: pid_file.exists() and pid_file.read_text().strip())
    return build_id, pid_file


def test_build_has_number_initiator_and_log(world: World) -> None:
    build = world.build(spec("echo one"))
    uuid = build["id"].partition(":")[2]
    assert build["buildNumber"] == 1
    assert build["initiator"] == "root"
    assert build["arn"] == f"arn:aws:codebuild:us-east-1:000000000000:build/{build['id']}"
    assert build["currentPhase"] == "COMPLETED"
    assert (build["logs"]["groupName"], build["logs"]["streamName"]) == (
        f"/aws/codebuild/{build['projectName']}",
        uuid,
    )
    assert "Entering phase BUILD" in world.log(build)
    assert "Running command echo one" in world.log(build)
    assert "Phase complete: BUILD State: SUCCEEDED" in world.log(build)


def test_failed_command_is_logged_as_codebuild_does(world: World) -> None:
    log = world.log(world.build(spec("echo before", "exit 7")))
    assert "Command did not exit successfully exit 7 exit status 7" in log
    assert "Phase complete: BUILD State: FAILED" in log
    assert (
        "Phase context status code: COMMAND_EXECUTION_ERROR Message: Error while executing command: exit 7. "
        "Reason: exit status 7" in log
    )


def test_build_that_takes_too_long_times_out(world: World, tmp_path: Path) -> None:
    build_id, pid_file = start_sleeping(world, tmp_path, timeoutInMinutes=5)
    world.clock.advance(4 * 60)
    assert not world.get(build_id)["buildComplete"]
    world.clock.advance(60)
    build = world.wait(build_id)
    assert build["buildStatus"] == "TIMED_OUT"
    assert statuses(build)["BUILD"] == "TIMED_OUT"
    assert context(build, "BUILD")[0] == "BUILD_TIMED_OUT"
    wait_for(lambda: not is_running(pid_file))


def test_stopped_build_ends_with_its_processes(world: World, tmp_path: Path) -> None:
    build_id, pid_file = start_sleeping(world, tmp_path)
    world.client.stop_build(id=build_id)
    build = world.wait(build_id)
    assert build["buildStatus"] == "STOPPED"
    assert statuses(build)["BUILD"] == "STOPPED"
    wait_for(lambda: not is_running(pid_file))
    wait_for(lambda: not list(world.directory.iterdir()))
    world.client.stop_build(id=build_id)  # which has ended


def test_no_build_outlives_the_service(world: World, tmp_path: Path) -> None:
    _, pid_file = start_sleeping(world, tmp_path)
    world.service.close()
    wait_for(lambda: not is_running(pid_file))
    wait_for(lambda: not world.directory.exists() or not list(world.directory.iterdir()))


def test_background_process_serves_later_commands_and_ends_with_the_build(
    world: World, tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"
    build = world.build(
        spec(f"sleep 600 & echo $! > {pid_file}", f"kill -0 $(cat {pid_file}) && echo running")
    )
    assert world.output(build) == ["running"]
    wait_for(lambda: not is_running(pid_file))


def test_build_leaves_no_files(world: World) -> None:
    world.build(spec("touch a $HOME/b $TMPDIR/c"))
    assert not list(world.directory.iterdir())


def test_environment_is_clean(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPLINE_TEST_SECRET", "1")
    monkeypatch.setenv("AWS_ROLE_SESSION_NAME", "mine")
    build = world.build(
        spec(
            'echo "[$STEPLINE_TEST_SECRET$AWS_ROLE_SESSION_NAME]"',
            'case $HOME in */builds/*) echo "own home";; esac',
        )
    )
    assert world.output(build) == ["[]", "own home"]


def test_commands_have_the_credentials_of_the_role_and_the_endpoint(world: World) -> None:
    build = world.build(spec("echo $AWS_ACCESS_KEY_ID $AWS_SESSION_TOKEN $AWS_ENDPOINT_URL"))
    assert world.output(build) == ["build token http://127.0.0.1:4566"]


def test_proxy_is_not_used_for_the_local_aws(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com")
    monkeypatch.setenv("NO_PROXY", "example.com")
    build = world.build(spec("echo $HTTPS_PROXY $NO_PROXY"))
    assert world.output(build) == ["http://proxy.example.com example.com,127.0.0.1,localhost"]


def test_source_of_s3_has_its_own_folder_and_secondary_sources(world: World) -> None:
    source = world.put_source({"main.txt": "main"})
    commands = spec(
        "cat main.txt", 'cat "$CODEBUILD_SRC_DIR_other/main.txt"', "echo $CODEBUILD_SOURCE_REPO_URL"
    )
    world.create_project(
        source={**source, "buildspec": commands}, secondarySources=[{**source, "sourceIdentifier": "other"}]
    )
    assert world.output(world.run()) == ["main", "main", f"s3://{BUCKET}/source.zip"]


def test_missing_source_fails_the_download(world: World) -> None:
    world.create_project(source={"type": "S3", "location": f"{BUCKET}/none.zip", "buildspec": spec("true")})
    build = world.run()
    assert build["buildStatus"] == "FAILED"
    code, message = context(build, "DOWNLOAD_SOURCE")
    assert code == "CLIENT_ERROR"
    assert "none.zip" in message
    assert list(statuses(build)) == ["SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", "FINALIZING"]


def test_source_of_github_fails_with_what_to_do(world: World) -> None:
    world.create_project(source={"type": "GITHUB", "location": "https://example.com/a.git"})
    assert "use the project in a pipeline" in context(world.run(), "DOWNLOAD_SOURCE")[1]


def test_buildspec_in_a_bucket(world: World) -> None:
    world.s3.objects[BUCKET, "ci/build.yml"] = spec("echo bucket").encode()
    build = world.build(f"arn:aws:s3:::{BUCKET}/ci/build.yml")
    assert world.output(build) == ["bucket"]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"name": "app.zip"}, "app.zip"),
        ({"path": "builds/"}, "builds/app"),
        ({"namespaceType": "BUILD_ID", "path": "builds", "name": "a.zip"}, "builds/{uuid}/a.zip"),
        ({"name": "/"}, "a.zip"),
    ],
)
def test_artifact_has_the_key_that_the_project_says(world: World, changes: dict[str, str], key: str) -> None:
    artifacts = {"type": "S3", "location": BUCKET, "packaging": "ZIP", **changes}
    if changes == {"name": "/"}:
        artifacts["packaging"] = "NONE"
    world.create_project(
        source={"type": "NO_SOURCE", "buildspec": spec("echo a > a.zip", artifacts={"files": "a.zip"})},
        artifacts=artifacts,
    )
    build = world.run()
    expected = key.format(uuid=build["id"].partition(":")[2])
    assert [name for _, name in world.s3.objects] == [expected]


def test_name_of_an_artifact_is_evaluated_by_the_shell(world: World) -> None:
    section = {"files": ["a"], "name": "app-$VERSION-$(echo x).zip"}
    world.create_project(
        source={"type": "NO_SOURCE", "buildspec": spec("touch a", "VERSION=3", artifacts=section)},
        artifacts={"type": "S3", "location": BUCKET, "packaging": "ZIP", "overrideArtifactName": True},
    )
    build = world.run()
    assert build["artifacts"]["location"] == f"arn:aws:s3:::{BUCKET}/app-3-x.zip"
    assert len(build["artifacts"]["sha256sum"]) == 64


def test_secondary_artifacts_are_uploaded(world: World) -> None:
    sections = {"files": ["a"], "secondary-artifacts": {"docs": {"files": ["b"], "name": "ignored"}}}
    artifact = {"type": "S3", "location": BUCKET, "packaging": "ZIP"}
    world.create_project(
        source={"type": "NO_SOURCE", "buildspec": spec("touch a b", artifacts=sections)},
        artifacts={**artifact, "name": "main.zip"},
        secondaryArtifacts=[{**artifact, "name": "docs.zip", "artifactIdentifier": "docs"}],
    )
    build = world.run()
    assert list(world.artifact("main.zip")) == ["a"]
    assert list(world.artifact("docs.zip")) == ["b"]
    assert build["secondaryArtifacts"][0]["location"].endswith("/docs.zip")


def test_artifact_keeps_permissions_and_links(world: World) -> None:
    section = {"files": ["**/*"], "enable-symlinks": "yes"}
    build = world.build(spec("touch a", "chmod 750 a", "ln -s a b", artifacts=section))
    assert build["buildStatus"] == "SUCCEEDED"
    with zipfile.ZipFile(io.BytesIO(world.object("app.zip"))) as archive:
        modes = {item.filename: item.external_attr >> 16 for item in archive.infolist()}
        assert (modes["a"] & 0o777, modes["b"] & 0o170000) == (0o750, 0o120000)
        assert archive.read("b") == b"a"


def test_upload_that_is_denied_fails_its_phase(world: World) -> None:
    world.s3.denied["PutObject"] = BUCKET
    build = world.build(spec("touch a", artifacts={"files": "a"}))
    assert build["buildStatus"] == "FAILED"
    assert statuses(build)["UPLOAD_ARTIFACTS"] == "FAILED"
    assert "AccessDenied" in context(build, "UPLOAD_ARTIFACTS")[1]


def test_log_goes_where_the_project_says(world: World) -> None:
    world.create_project(
        logsConfig={"cloudWatchLogs": {"status": "ENABLED", "groupName": "/builds", "streamName": "app"}}
    )
    build = world.run()
    assert build["logs"]["groupName"] == "/builds"
    assert build["logs"]["streamName"] == f"app/{build['id'].partition(':')[2]}"
    assert world.log(build)


def test_disabled_log_is_not_written(world: World) -> None:
    world.create_project(logsConfig={"cloudWatchLogs": {"status": "DISABLED"}})
    build = world.run()
    assert build["buildStatus"] == "SUCCEEDED"
    assert "groupName" not in build["logs"]
    assert not world.logs.streams


def test_role_without_permission_to_log_fails_the_build(world: World) -> None:
    world.logs.error = error("AccessDeniedException", "not authorized to perform: logs:CreateLogStream")
    build = world.build(spec("true"))
    assert build["buildStatus"] == "FAILED"
    code, message = context(build, "PROVISIONING")
    assert code == "ACCESS_DENIED"
    assert "logs:CreateLogStream" in message


def test_builds_wait_in_the_queue(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "MAX_RUNNING_BUILDS", 1)
    first, _ = start_sleeping(world, tmp_path)
    world.create_project("second")
    second = world.start("second")
    assert world.get(second)["currentPhase"] == "QUEUED"
    world.client.stop_build(id=first)
    assert world.wait(second)["buildStatus"] == "SUCCEEDED"


def test_build_that_waits_too_long_times_out(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "MAX_RUNNING_BUILDS", 1)
    start_sleeping(world, tmp_path)
    world.create_project("second", queuedTimeoutInMinutes=5)
    second = world.start("second")
    world.clock.advance(5 * 60)
    build = world.wait(second)
    assert (build["buildStatus"], statuses(build)["QUEUED"]) == ("TIMED_OUT", "TIMED_OUT")


def test_builds_are_listed_retried_and_deleted(world: World) -> None:
    world.create_project()
    first = world.run(environmentVariablesOverride=[{"name": "A", "value": "1"}])
    second = world.client.retry_build(id=first["id"])["build"]
    world.clock.advance(0)
    retried = world.wait(second["id"])
    assert retried["environment"] == first["environment"]
    assert retried["buildNumber"] == 2
    assert world.client.list_builds()["ids"] == [second["id"], first["id"]]
    assert world.client.list_builds_for_project(projectName="app", sortOrder="ASCENDING")["ids"] == [
        first["id"],
        second["id"],
    ]
    answer = world.client.batch_delete_builds(ids=[first["id"], "app:none"])
    assert answer["buildsDeleted"] == [first["arn"]]
    assert answer["buildsNotDeleted"] == [{"id": "app:none", "statusCode": "BUILD_NOT_FOUND"}]
    assert world.client.batch_get_builds(ids=[first["id"]])["buildsNotFound"] == [first["id"]]


def test_limit_of_concurrent_builds_is_kept(world: World, tmp_path: Path) -> None:
    start_sleeping(world, tmp_path, concurrentBuildLimit=1)
    with pytest.raises(world.client.exceptions.InvalidInputException, match="more than 1"):
        world.start()


def test_rule_starts_a_build_with_the_parameters_of_its_input(world: World) -> None:
    arn = world.create_project(source={"type": "NO_SOURCE", "buildspec": spec("echo $A")})["arn"]
    variable = {"name": "A", "value": "from the rule", "type": "PLAINTEXT"}
    for event in ({"environmentVariablesOverride": [variable]}, {"detail-type": "T", "sourceVersion": "x"}):
        world.service.start_from_event(
            arn, rule_arn="arn:aws:events:us-east-1:000000000000:rule/nightly", event=json.dumps(event)
        )
    world.clock.advance(0)
    second, first = (world.wait(build_id) for build_id in world.client.list_builds()["ids"])
    assert first["initiator"] == "rule/nightly"
    assert world.output(first) == ["from the rule"]
    assert "sourceVersion" not in second


def test_events_have_the_format_of_the_user_guide(world: World) -> None:
    world.create_project(environment={**ENVIRONMENT, "privilegedMode": True})
    build = world.run()
    states = [event for event in world.events if event.detail_type == "CodeBuild Build State Change"]
    assert [event.detail["build-status"] for event in states] == ["IN_PROGRESS", "SUCCEEDED"]
    assert [event.detail["current-phase"] for event in states] == ["SUBMITTED", "COMPLETED"]
    last = states[-1].detail
    assert states[-1].source == "aws.codebuild"
    assert states[-1].resources == (build["arn"],)
    assert (last["project-name"], last["build-id"]) == ("app", build["arn"])
    information = last["additional-information"]
    assert information["environment"]["privileged-mode"] is True
    assert information["build-complete"] is True
    assert information["build-start-time"] == "Jan 1, 2026 12:00:00 AM"
    assert information["logs"]["group-name"] == "/aws/codebuild/app"
    phases = [event.detail for event in world.events if event.detail_type == "CodeBuild Build Phase Change"]
    assert [(item["completed-phase"], item["completed-phase-status"]) for item in phases] == list(
        statuses(build).items()
    )


def test_event_of_a_failed_phase_has_its_context(world: World) -> None:
    world.build(spec("exit 1"))
    (failed,) = (item.detail for item in world.events if item.detail.get("completed-phase") == "BUILD")
    assert failed["completed-phase-status"] == "FAILED"
    assert failed["completed-phase-context"] == (
        "[COMMAND_EXECUTION_ERROR: Error while executing command: exit 1. Reason: exit status 1]"
    )
