"""Connects CodePipeline's sources with the git repositories, and with the objects of S3."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import BinaryIO

from stepline.core.aws_errors import AWS_FAILURES
from stepline.core.local_aws import GIT_PATH
from stepline.localaws.codecommit import CodeCommit, ReferenceChange
from stepline.localaws.codecommit.models import ChangeType, ReferenceType, Signature
from stepline.localaws.codepipeline import CodePipeline, GitCommit, RevisionNotFoundError
from stepline.localaws.codepipeline.source_changes import SourceChange, SourceKind
from stepline.localaws.iam import Permission, current_actor
from stepline.localaws.protocol import AwsError
from stepline.localaws.service_roles import ServiceRoles
from stepline.localaws.wiring.platform import Platform

_log = logging.getLogger(__name__)


class ConnectedGitRepositories:
    """The repositories of other providers, for CodePipeline's sources."""

    def __init__(self, codecommit: CodeCommit, roles: ServiceRoles, *, endpoint_url: str) -> None:
        self._repositories = codecommit.connected
        self._roles = roles
        self._endpoint_url = endpoint_url

    def branch_tip(self, name: str, branch: str) -> str:
        with _missing_is_not_found():
            return self._repositories.branch_tip(name, branch)

    def commit(self, name: str, commit_id: str) -> GitCommit:
        with _missing_is_not_found():
            found = self._repositories.read_commit(name, commit_id)
        return GitCommit(
            id=found.commit_id,
            message=found.message,
            author_name=found.author.name,
            author_email=found.author.email,
            authored=_moment(found.author),
            committed=_moment(found.committer),
        )

    def archive(self, name: str, commit_id: str, target: BinaryIO) -> None:
        with _missing_is_not_found():
            self._repositories.archive(name, commit_id, target)

    def clone_url(self, name: str) -> str:
        return f"{self._endpoint_url}{GIT_PATH}{name}"

    def use_connection(self, connection_arn: str) -> None:
        """Either prefix of the action is allowed: connections had another name before.

        https://docs.aws.amazon.com/dtconsole/latest/userguide/rename.html
        """
        actor = current_actor()
        if actor is None:
            return
        newer, older = (
            Permission(f"{prefix}:UseConnection", connection_arn)
            for prefix in ("codeconnections", "codestar-connections")
        )
        is_former = connection_arn.split(":")[2:3] == ["codestar-connections"]
        own, other = (older, newer) if is_former else (newer, older)
        if not self._roles.allows(actor, [own]) and not self._roles.allows(actor, [other]):
            self._roles.authorize(actor, [own])


def notify_of_changes(codecommit: CodeCommit, platform: Platform) -> None:
    """Notify the topics and functions of triggers, whose policies AWS checks and this does not."""

    def notify(arn: str, message: str) -> None:
        service = arn.split(":")[2]
        try:
            if service == "lambda":
                platform.client(service).invoke(FunctionName=arn, InvocationType="Event", Payload=message)
            else:
                platform.client(service).publish(TopicArn=arn, Message=message)
        except AWS_FAILURES as error:
            _log.warning("%s was not notified by a trigger of CodeCommit: %s", arn, error)

    codecommit.notify_with(notify)


def detect_pushes(codecommit: CodeCommit, codepipeline: CodePipeline) -> None:
    """Start the pipelines that detect pushes themselves, before a push returns."""

    def report_codecommit(name: str, change: ReferenceChange) -> None:
        if change.change_type is not ChangeType.DELETED:
            codepipeline.source_changed(_source_change(SourceKind.CODECOMMIT, name, change))

    def report_connected(name: str, change: ReferenceChange) -> None:
        if change.change_type is ChangeType.DELETED:
            return
        source = replace(
            _source_change(SourceKind.CONNECTED, name, change),
            commit_id=connected.commit_of(name, change.new),
            changed_files=partial(connected.changed_files, name, change),
        )
        codepipeline.source_changed(source)

    connected = codecommit.connected
    codecommit.subscribe(report_codecommit)
    connected.subscribe(report_connected)


def _source_change(kind: SourceKind, name: str, change: ReferenceChange) -> SourceChange:
    is_tag = change.type is ReferenceType.TAG
    return SourceChange(kind=kind, name=name, reference=change.name, is_tag=is_tag, commit_id=change.new)


@contextmanager
def _missing_is_not_found() -> Iterator[None]:
    try:
        yield
    except AwsError as error:
        raise RevisionNotFoundError(f"{error.code}: {error.message}") from error


def _moment(signature: Signature) -> datetime:
    return datetime.fromtimestamp(int(signature.date.split(maxsplit=1)[0]), UTC)
