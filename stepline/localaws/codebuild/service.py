"""The operations of CodeBuild."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from stepline.localaws.codebuild import responses
from stepline.localaws.codebuild.errors import InvalidInputException
from stepline.localaws.codebuild.execution import Environment
from stepline.localaws.codebuild.models import (
    Build,
    BuildStatus,
    PipelineInput,
    Project,
)
from stepline.localaws.codebuild.names import Arns, short_name
from stepline.localaws.codebuild.scheduler import Scheduler
from stepline.localaws.codebuild.settings import IMAGE, MAX_DESCRIBED, PAGE_SIZE
from stepline.localaws.codebuild.store import Store
from stepline.localaws.codebuild.submission import build_configuration
from stepline.localaws.codebuild.validation import check_project, check_source
from stepline.localaws.context import Context
from stepline.localaws.iam import Actor
from stepline.localaws.protocol import JsonService, Params, page

SERVICE = "codebuild.amazonaws.com"
_NO_ROLE = (
    "CodeBuild is not authorized to perform: sts:AssumeRole on service role {}. Please verify that: 1) The "
    "provided service role exists, 2) The role name is case-sensitive and matches exactly, and 3) The role "
    "has the necessary trust policy configured"
)
_INITIATOR = "root"
"""Who started a build by the API: the owner of the account."""

_DESCENDING = "DESCENDING"
_MANAGED_PROJECT: dict[str, Any] = {
    "artifacts": {"type": "CODEPIPELINE"},
    "cache": {"type": "NO_CACHE"},
    "environment": {"type": "LINUX_CONTAINER", "image": IMAGE, "computeType": "BUILD_GENERAL1_SMALL"},
}
"""The project of a build that has none of its own: that of a pipeline's Commands action."""


class CodeBuild(JsonService):
    """CodeBuild without containers: the commands of a build run as a process of this machine.

    Not supported: batch builds, reports, caches, webhooks, fleets, sources of GitHub and others.
    """

    service_name: ClassVar[str] = "codebuild"
    validation_error = InvalidInputException

    def __init__(self, context: Context, environment: Environment, directory: Path) -> None:
        self._clock = context.clock
        self._arns = Arns(context.account_id, context.region)
        self._store = Store(self._arns)
        self._roles = environment.sources.roles
        self._lock = threading.RLock()
        self._scheduler = Scheduler(context, environment, directory, self._lock)

    def close(self) -> None:
        """Kill the running builds and remove their files."""
        self._scheduler.close()

    # --- projects ---------------------------------------------------------------------------------

    def create_project(self, params: Params) -> Params:
        check_project(params)
        self._check_role(params["serviceRole"])
        with self._lock:
            project = self._store.create_project(params, self._clock.now())
        return {"project": responses.project_document(project)}

    def update_project(self, params: Params) -> Params:
        with self._lock:
            check_project({**self._store.project(params["name"]).document, **params})
            if "serviceRole" in params:
                self._check_role(params["serviceRole"])
            project = self._store.update_project(params, self._clock.now())
            return {"project": responses.project_document(project)}

    def delete_project(self, params: Params) -> None:
        """Delete a project; one that does not exist is no error [DeleteProject, API reference]."""
        with self._lock:
            self._store.projects.pop(short_name(params["name"]), None)

    def batch_get_projects(self, params: Params) -> Params:
        with self._lock:
            found = {name: self._store.projects.get(short_name(name)) for name in params["names"]}
            return {
                "projects": [responses.project_document(item) for item in found.values() if item],
                "projectsNotFound": [name for name, item in found.items() if item is None],
            }

    def list_projects(self, params: Params) -> Params:
        sort_by = params.get("sortBy", "NAME")
        keys: dict[str, Callable[[Project], Any]] = {
            "NAME": lambda project: project.name,
            "CREATED_TIME": lambda project: project.created,
            "LAST_MODIFIED_TIME": lambda project: project.last_modified,
        }
        with self._lock:
            projects = sorted(self._store.projects.values(), key=keys[sort_by])
        names = [project.name for project in projects]
        return self._page("projects", names[:: _step(params, "ASCENDING")], params)

    # --- builds -----------------------------------------------------------------------------------

    def start_build(self, params: Params) -> Params:
        with self._lock:
            project = self._store.project(params["projectName"])
        build = self._new_build(project, params, initiator=_INITIATOR)
        check_source(build.document["source"])
        if build.document["source"]["type"] == "CODEPIPELINE":
            raise InvalidInputException(
                "Invalid project source: a project of type CODEPIPELINE can only be built by a pipeline, "
                "or with sourceTypeOverride"
            )
        self._submit(build)
        return {"build": responses.build_document(build)}

    def batch_get_builds(self, params: Params) -> Params:
        if len(params["ids"]) > MAX_DESCRIBED:
            raise InvalidInputException(f"Invalid number of ids: at most {MAX_DESCRIBED}")
        with self._lock:
            found = {name: self._store.builds.get(short_name(name)) for name in params["ids"]}
            return {
                "builds": [responses.build_document(build) for build in found.values() if build],
                "buildsNotFound": [name for name, build in found.items() if build is None],
            }

    def list_builds(self, params: Params) -> Params:
        with self._lock:
            ids = list(self._store.builds)
        return self._page("ids", ids[:: _step(params, _DESCENDING)], params)

    def list_builds_for_project(self, params: Params) -> Params:
        with self._lock:
            project = self._store.project(params["projectName"])
            ids = [build.id for build in self._store.builds.values() if build.project_name == project.name]
        return self._page("ids", ids[:: _step(params, _DESCENDING)], params)

    def stop_build(self, params: Params) -> Params:
        with self._lock:
            build = self._store.build(params["id"])
        self._scheduler.end(build, BuildStatus.STOPPED)
        with self._lock:
            return {"build": responses.build_document(build)}

    def retry_build(self, params: Params) -> Params:
        """Start a build with the configuration of an ended one."""
        with self._lock:
            if "id" not in params:
                raise InvalidInputException("Build ID must be provided")
            original = self._store.build(params["id"])
            if not original.is_complete:
                raise InvalidInputException("Cannot retry a build that is in progress")
            project = self._store.project(original.project_name)
        build = self._new_build(project, {}, initiator=_INITIATOR)
        build.document = {**original.document, "logs": build.document["logs"]}
        build.pipeline = original.pipeline
        self._submit(build)
        return {"build": responses.build_document(build)}

    def batch_delete_builds(self, params: Params) -> Params:
        deleted: list[str] = []
        kept: list[dict[str, str]] = []
        with self._lock:
            for name in params["ids"]:
                build = self._store.builds.get(short_name(name))
                if build is not None and build.is_complete:
                    del self._store.builds[build.id]
                    deleted.append(build.arn)
                else:
                    status = "BUILD_IN_PROGRESS" if build else "BUILD_NOT_FOUND"
                    kept.append({"id": name, "statusCode": status})
        return {"buildsDeleted": deleted, "buildsNotDeleted": kept}

    # --- for CodePipeline -------------------------------------------------------------------------

    def start_for_pipeline(
        self,
        params: Params,
        pipeline: PipelineInput,
    ) -> Build:
        """Start a build of a project with the artifacts of a pipeline's action.

        `params` are those of StartBuild. Raises ResourceNotFoundException, InvalidInputException.
        """
        with self._lock:
            project = self._store.project(params["projectName"])
        build = self._new_build(project, params, initiator=pipeline.initiator)
        build.document["source"] = {**build.document["source"], "type": "CODEPIPELINE"}
        build.document["source"].pop("location", None)
        build.document["sourceVersion"] = pipeline.sources[0].location.arn
        build.document["projectArtifacts"] = {"type": "CODEPIPELINE"}
        build.document["projectSecondaryArtifacts"] = [
            {"type": "CODEPIPELINE", "artifactIdentifier": artifact.name} for artifact in pipeline.artifacts
        ]
        build.pipeline = pipeline
        self._submit(build)
        return build

    def start_commands(
        self,
        name: str,
        buildspec: str,
        pipeline: PipelineInput,
        *,
        actor: Actor,
        log_group: str,
        timeout_minutes: int,
        variables: Iterable[Mapping[str, str]] = (),
    ) -> Build:
        """Run a buildspec without a project, as `actor`. Lists of builds do not contain it.

        `name` is the part of its id before the UUID.
        """
        project = {
            **_MANAGED_PROJECT,
            "name": name,
            "encryptionKey": self._arns.default_key(),
            "logsConfig": {"cloudWatchLogs": {"status": "ENABLED", "groupName": log_group}},
            "queuedTimeoutInMinutes": timeout_minutes,
            "serviceRole": actor.role_arn,
            "source": {"type": "CODEPIPELINE", "buildspec": buildspec},
            "sourceVersion": pipeline.sources[0].location.arn,
            "timeoutInMinutes": timeout_minutes,
        }
        params = {"environmentVariablesOverride": list(variables)}
        build = self._configured(project, params, number=None, initiator=pipeline.initiator, actor=actor)
        build.pipeline = pipeline
        self._scheduler.submit(build)
        return build

    # --- helpers ----------------------------------------------------------------------------------

    def _check_role(self, role_arn: str) -> None:
        if not self._roles.can_assume(Actor(SERVICE, role_arn, "AWSCodeBuild")):
            raise InvalidInputException(_NO_ROLE.format(role_arn))

    def _new_build(self, project: Project, params: Params, *, initiator: str) -> Build:
        """Return a build of the project that is not submitted yet."""
        with self._lock:
            limit = project.document.get("concurrentBuildLimit")
            if limit is not None and self._store.running(project) >= limit:
                raise InvalidInputException(
                    f"Cannot have more than {limit} builds in progress for project {project.name}"
                )
            project.builds_started += 1
            number = project.builds_started
        role = params.get("serviceRoleOverride", project.document["serviceRole"])
        self._check_role(role)
        actor = Actor(SERVICE, role, "AWSCodeBuild")
        return self._configured(project.document, params, number=number, initiator=initiator, actor=actor)

    def _configured(
        self,
        project: Mapping[str, Any],
        params: Params,
        *,
        number: int | None,
        initiator: str,
        actor: Actor,
    ) -> Build:
        unique = str(uuid.uuid4())
        build_id = f"{project['name']}:{unique}"
        if actor.service == SERVICE:
            actor = Actor(SERVICE, actor.role_arn, f"AWSCodeBuild-{unique}")
        return Build(
            id=build_id,
            arn=self._arns.build(build_id),
            number=number,
            document=build_configuration(project, params, arns=self._arns, uuid=unique, initiator=initiator),
            actor=actor,
            started_at=self._clock.now(),
        )

    def _submit(self, build: Build) -> None:
        with self._lock:
            self._store.add_build(build)
        self._scheduler.submit(build)

    def _page(self, member: str, items: list[str], params: Params) -> Params:
        chosen, token = page(
            items,
            key=lambda item: item,
            limit=PAGE_SIZE,
            token=params.get("nextToken"),
            invalid_token=InvalidInputException("Invalid nextToken"),
            scope=member,
        )
        return {member: chosen, "nextToken": token} if token else {member: chosen}


def _step(params: Params, default: str) -> int:
    return -1 if params.get("sortOrder", default) == _DESCENDING else 1
