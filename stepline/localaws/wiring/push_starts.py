"""Finds out which pipelines a push to CodeCommit starts: the targets of EventBridge's rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepline.localaws.emulators.ministack import eventbridge
from stepline.localaws.events import AwsEvent

_PIPELINE_SERVICE = "codepipeline"
_BRANCH_MEMBERS = ("referenceName", "referenceFullName")
_BRANCH_PREFIX = "refs/heads/"


class RulesAndPipelines:
    """`codepipeline` is a boto3 client."""

    def __init__(self, codepipeline: Any) -> None:
        self._codepipeline = codepipeline

    def started_by(self, event: AwsEvent) -> Sequence[str]:
        """Return the pipelines that exist among the targets of the rules that match the event."""
        arns = (arn.split(":") for arn in eventbridge.targets_of(event))
        targets = {arn[5] for arn in arns if arn[2:3] == [_PIPELINE_SERVICE] and len(arn) == 6}
        return sorted(targets.intersection(self._names()))

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
            for stage in definition["stages"]
            for action in stage["actions"]
            if action["actionTypeId"]["provider"] == "CodeCommit"
        ]
        return [
            configuration["BranchName"]
            for configuration in configurations
            if configuration.get("RepositoryName") == repository_name and "BranchName" in configuration
        ]


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
