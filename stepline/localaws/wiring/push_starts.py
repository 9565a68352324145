"""Finds out which pipelines a push starts: targets of rules, and those that detect it themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepline.localaws.codepipeline import CodePipeline
from stepline.localaws.codepipeline.source_changes import SourceChange, SourceKind
from stepline.localaws.emulators.ministack import eventbridge
from stepline.localaws.events import AwsEvent

_PIPELINE_SERVICE = "codepipeline"
_PROVIDERS = {"CodeCommit", "CodeStarSourceConnection", "GitHub"}
_BRANCH_MEMBERS = ("referenceName", "referenceFullName")
_BRANCH_PREFIX = "refs/heads/"


class RulesAndPipelines:
    """`codepipeline` is a boto3 client of `service`."""

    def __init__(self, codepipeline: Any, service: CodePipeline) -> None:
        self._codepipeline = codepipeline
        self._service = service

    def started_by(self, event: AwsEvent) -> Sequence[str]:
        """Return the pipelines that exist among the targets of matching rules, and those that detect changes.

        The file paths of triggers are not looked at.
        """
        arns = (arn.split(":") for arn in eventbridge.targets_of(event))
        targets = {arn[5] for arn in arns if arn[2:3] == [_PIPELINE_SERVICE] and len(arn) == 6}
        detecting = self._service.started_by(_change(event.detail))
        return sorted(targets.intersection(self._names()).union(detecting))

    def branches(self, repository_name: str) -> Mapping[str, Sequence[str]]:
        """Return the branches that rules name, and the sources of pipelines with these pipelines."""
        branches: dict[str, list[str]] = {name: [] for name in _branches_of_rules()}
        for name in self._names():
            for branch in self._source_branches(name, repository_name):
                branches.setdefault(branch, []).append(name)
        return branches

    def _names(self) -> list[str]:
        pages = self._codepipeline.get_paginator("list_pipelines").paginate()
        return [each["name"] for page in pages for each in page["pipelines"]]

    def _source_branches(self, pipeline: str, repository_name: str) -> list[str]:
        definition = self._codepipeline.get_pipeline(name=pipeline)["pipeline"]
        configurations = [
            action.get("configuration", {})
            for action in definition["stages"][0]["actions"]
            if action["actionTypeId"]["provider"] in _PROVIDERS
        ]
        return [
            configuration.get("BranchName") or configuration["Branch"]
            for configuration in configurations
            if _repository(configuration) == repository_name
        ]


def _repository(configuration: Mapping[str, str]) -> str:
    names = (configuration.get("RepositoryName"), configuration.get("FullRepositoryId"))
    return next(filter(None, names), None) or f"{configuration.get('Owner')}/{configuration.get('Repo')}"


def _change(detail: Mapping[str, Any]) -> SourceChange:
    name = detail["repositoryName"]
    return SourceChange(
        kind=SourceKind.CONNECTED if "/" in name else SourceKind.CODECOMMIT,
        name=name,
        reference=detail["referenceName"],
        is_tag=detail["referenceType"] == "tag",
    )


def _branches_of_rules() -> set[str]:
    details = (pattern.get("detail") for pattern in eventbridge.patterns_of_rules())
    values = [
        value
        for detail in details
        if isinstance(detail, dict)
        for member in _BRANCH_MEMBERS
        for value in detail.get(member) or ()
        if isinstance(value, str)
    ]
    return {value.removeprefix(_BRANCH_PREFIX) for value in values}
