"""Keeps projects and builds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stepline.localaws.codebuild.errors import ResourceAlreadyExistsException, ResourceNotFoundException
from stepline.localaws.codebuild.models import Build, Document, Project
from stepline.localaws.codebuild.names import Arns, short_name
from stepline.localaws.codebuild.settings import (
    DEFAULT_QUEUED_TIMEOUT_MINUTES,
    DEFAULT_TIMEOUT_MINUTES,
    MAX_ENDED_BUILDS,
)


@dataclass
class Store:
    """All projects by name, and builds by id, the oldest first. Callers hold a lock."""

    arns: Arns
    projects: dict[str, Project] = field(default_factory=dict)
    builds: dict[str, Build] = field(default_factory=dict)

    def create_project(self, params: Document, now: datetime) -> Project:
        """Raises ResourceAlreadyExistsException."""
        name = params["name"]
        arn = self.arns.project(name)
        if name in self.projects:
            raise ResourceAlreadyExistsException(f"Project already exists: {arn}")
        document = {
            "cache": {"type": "NO_CACHE"},
            "encryptionKey": self.arns.default_key(),
            "queuedTimeoutInMinutes": DEFAULT_QUEUED_TIMEOUT_MINUTES,
            "timeoutInMinutes": DEFAULT_TIMEOUT_MINUTES,
            **_without_tags(params),
        }
        project = Project(name, arn, document, list(params.get("tags", ())), now, now)
        self.projects[name] = project
        return project

    def update_project(self, params: Document, now: datetime) -> Project:
        project = self.project(params["name"])
        project.document = {**project.document, **_without_tags(params)}
        project.tags = list(params.get("tags", project.tags))
        project.last_modified = now
        return project

    def project(self, name_or_arn: str) -> Project:
        """Raises ResourceNotFoundException."""
        name = short_name(name_or_arn)
        if name not in self.projects:
            raise ResourceNotFoundException(f"Project cannot be found: {self.arns.project(name)}")
        return self.projects[name]

    def build(self, build_id: str) -> Build:
        """Raises ResourceNotFoundException."""
        build = self.builds.get(short_name(build_id))
        if build is None:
            raise ResourceNotFoundException(f"Build cannot be found: {build_id}")
        return build

    def add_build(self, build: Build) -> None:
        """Add a build, and forget the oldest of those that have ended."""
        self.builds[build.id] = build
        ended = [item for item in self.builds.values() if item.is_complete]
        for item in ended[: max(0, len(ended) - MAX_ENDED_BUILDS)]:
            del self.builds[item.id]

    def running(self, project: Project) -> int:
        return sum(
            build.project_name == project.name and not build.is_complete for build in self.builds.values()
        )


def _without_tags(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name != "tags"}
