"""The operations of CodeCommit, the requests of git clients, and archives for CodePipeline."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, TypeVar

from botocore.model import OperationModel

from stepline.localaws.codecommit import references, responses, validation
from stepline.localaws.codecommit.commit_creation import NewCommit, create_commit
from stepline.localaws.codecommit.commit_request import CommitRequest, parse_create_commit, parse_put_file
from stepline.localaws.codecommit.commits import check_commit_id, read_commit
from stepline.localaws.codecommit.connected import ConnectedRepositories, OnChange
from stepline.localaws.codecommit.differences import find_differences
from stepline.localaws.codecommit.errors import InvalidContinuationTokenException
from stepline.localaws.codecommit.events import ChangePublisher
from stepline.localaws.codecommit.files import read_blob, read_file, read_folder
from stepline.localaws.codecommit.git import Git
from stepline.localaws.codecommit.models import RepositoryRecord
from stepline.localaws.codecommit.names import Names
from stepline.localaws.codecommit.processes import ProcessGroups
from stepline.localaws.codecommit.push_messages import PipelineStarts, PushMessages
from stepline.localaws.codecommit.settings import DEFAULT_MAX_RESULTS, GRACE_SECONDS, PAGE_SIZE
from stepline.localaws.codecommit.smart_http import SmartHttp
from stepline.localaws.codecommit.store import Repository, RepositoryStore
from stepline.localaws.codecommit.triggers import Notify, check_triggers
from stepline.localaws.context import Context
from stepline.localaws.http.asgi import Receive, Scope, Send
from stepline.localaws.protocol import AwsError, JsonService, Params, page

_Item = TypeVar("_Item")

_SORT_KEYS: dict[str, Callable[[RepositoryRecord], Any]] = {
    "repositoryName": lambda record: record.name,
    "lastModifiedDate": lambda record: record.last_modified_date,
}


class CodeCommit(JsonService):
    """CodeCommit on bare git repositories in `directory`.

    `base_url` (`http://127.0.0.1:4566`) is where `git_app` is served; it becomes part of `cloneUrlHttp`.
    `connected` has the repositories of other providers.
    Repositories that `directory` holds from an earlier run are served again. Raises UsageError if git is not
    installed.
    """

    service_name: ClassVar[str] = "codecommit"

    def __init__(self, context: Context, *, directory: Path, base_url: str) -> None:
        directory = directory.resolve()
        work = directory / "work"
        git = Git(directory / "home", work)
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        self._clock = context.clock
        self._work = work
        self._names = Names(context.account_id, context.region, base_url.rstrip("/"))
        self._store = RepositoryStore(directory / "repositories", git)
        self._publisher = ChangePublisher(context, self._names)
        self._process_groups = ProcessGroups()
        self.connected = ConnectedRepositories(
            context, RepositoryStore(directory / "connected", git), self._process_groups
        )
        self._smart_http = SmartHttp(git, self._store, self._publisher, self.connected, self._process_groups)

    def call(self, operation: OperationModel, document: Any) -> Params | None:
        """Check the request for CodeCommit's own errors before ValidationException."""
        validation.check_request(operation, document)
        return super().call(operation, document)

    def show_pipelines_of_pushes(self, starts: PipelineStarts) -> None:
        """From now on show clients, after a push, which pipelines it starts."""
        self._smart_http.messages = PushMessages(starts)

    async def git_app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI application for the paths `/v1/repos/<name>/…` and `/v1/repos/<owner>/<name>/…`."""
        await self._smart_http(scope, receive, send)

    def subscribe(self, on_change: OnChange) -> None:
        """Call `on_change` after each change of a branch or tag of CodeCommit's repositories."""
        self._publisher.subscribe(on_change)

    def notify_with(self, notify: Notify) -> None:
        """From now on call `notify` with the ARN of a trigger's destination and the message."""
        self._publisher.triggers.notify = notify

    def archive(self, repository_name: str, commit_id: str, target: BinaryIO) -> None:
        """Write a zip of the commit's tree to `target`, as CodePipeline's source action does.

        The files are at the root, with their executable bits and symbolic links, without submodules and
        history; the same commit always gives the same bytes. Raises RepositoryDoesNotExistException,
        CommitIdDoesNotExistException, InvalidCommitIdException.
        """
        repository = self._store.get(repository_name)
        check_commit_id(repository, commit_id)
        repository.git.archive(commit_id, target, self._process_groups)

    def close(self) -> None:
        """End the git processes that serve clients. The repositories are kept."""
        self._process_groups.close(grace_seconds=GRACE_SECONDS)
        shutil.rmtree(self._work, ignore_errors=True)

    # repositories

    def create_repository(self, params: Params) -> Params:
        tags, now = params.get("tags", {}), self._clock.now()
        validation.check_tags(tags)
        record = RepositoryRecord(
            repository_id=str(uuid.uuid4()),
            name=params["repositoryName"],
            creation_date=now,
            last_modified_date=now,
            description=params.get("repositoryDescription"),
            kms_key_id=params.get("kmsKeyId"),
            tags=dict(tags),
        )
        return {"repositoryMetadata": self._metadata(self._store.create(record))}

    def get_repository(self, params: Params) -> Params:
        return {"repositoryMetadata": self._metadata(self._repository(params))}

    def batch_get_repositories(self, params: Params) -> Params:
        names = list(dict.fromkeys(params["repositoryNames"]))
        validation.check_batch_names(names)
        found = {name: repository for name in names if (repository := self._store.find(name))}
        return {
            "repositories": [self._metadata(repository) for repository in found.values()],
            "repositoriesNotFound": [name for name in names if name not in found],
            "errors": [],
        }

    def list_repositories(self, params: Params) -> Params:
        key = _SORT_KEYS[params.get("sortBy", "repositoryName")]
        descending = params.get("order") == "descending"
        records = sorted((item.record for item in self._store.all()), key=key, reverse=descending)
        shown, token = _page(records, lambda record: record.repository_id, params.get("nextToken"))
        pairs = [{"repositoryName": item.name, "repositoryId": item.repository_id} for item in shown]
        return {"repositories": pairs, "nextToken": token}

    def delete_repository(self, params: Params) -> Params:
        return {"repositoryId": self._store.delete(params["repositoryName"])}

    def update_repository_name(self, params: Params) -> None:
        self._store.rename(params["oldName"], params["newName"], now=self._clock.now())

    def update_repository_description(self, params: Params) -> None:
        """Without a description in the request, remove it."""
        description = params.get("repositoryDescription")
        self._repository(params).change(description=description, last_modified_date=self._clock.now())

    def update_default_branch(self, params: Params) -> None:
        repository, name = self._repository(params), params["defaultBranchName"]
        with repository.lock:
            references.branch_tip(repository, name)
            if name != repository.record.default_branch:
                repository.set_default_branch(name, last_modified_date=self._clock.now())

    # triggers

    def put_repository_triggers(self, params: Params) -> Params:
        repository = self._repository(params)
        check_triggers(params["triggers"])
        repository.change(triggers=tuple(params["triggers"]), triggers_id=str(uuid.uuid4()))
        return {"configurationId": repository.record.triggers_id}

    def get_repository_triggers(self, params: Params) -> Params:
        record = self._repository(params).record
        return {"configurationId": record.triggers_id or None, "triggers": list(record.triggers)}

    # tags of repositories

    def tag_resource(self, params: Params) -> None:
        repository = self._resource(params)
        with repository.lock:
            tags = {**repository.record.tags, **params["tags"]}
            validation.check_tags(tags)
            repository.change(tags=tags)

    def untag_resource(self, params: Params) -> None:
        repository, keys = self._resource(params), params["tagKeys"]
        validation.check_tag_keys(keys)
        with repository.lock:
            tags = repository.record.tags
            repository.change(tags={key: value for key, value in tags.items() if key not in keys})

    def list_tags_for_resource(self, params: Params) -> Params:
        return {"tags": dict(self._resource(params).record.tags)}

    # branches

    def get_branch(self, params: Params) -> Params:
        name = params["branchName"]
        commit_id = references.branch_tip(self._repository(params), name)
        return {"branch": {"branchName": name, "commitId": commit_id}}

    def list_branches(self, params: Params) -> Params:
        names = references.branch_names(self._repository(params))
        shown, token = _page(names, str, params.get("nextToken"))
        return {"branches": shown, "nextToken": token}

    def create_branch(self, params: Params) -> None:
        repository = self._repository(params)
        change = references.create_branch(repository, params["branchName"], params["commitId"])
        self._publisher.publish(repository, [change], may_set_default=False)

    def delete_branch(self, params: Params) -> Params:
        """A branch that does not exist is not an error: the response has no member then."""
        repository = self._repository(params)
        change = references.delete_branch(repository, params["branchName"])
        if change is None:
            return {}
        self._publisher.publish(repository, [change])
        return {"deletedBranch": {"branchName": change.name, "commitId": change.old}}

    # commits

    def get_commit(self, params: Params) -> Params:
        commit = read_commit(self._repository(params), params["commitId"])
        return {"commit": responses.commit_detail(commit)}

    def batch_get_commits(self, params: Params) -> Params:
        repository = self._repository(params)
        validation.check_batch_commits(params["commitIds"])
        commits, errors = [], []
        for commit_id in params["commitIds"]:
            try:
                commits.append(responses.commit_detail(read_commit(repository, commit_id)))
            except AwsError as error:
                errors.append({"commitId": commit_id, "errorCode": error.code, "errorMessage": error.message})
        return {"commits": commits, "errors": errors}

    def create_commit(self, params: Params) -> Params:
        return responses.created_commit(self._create_commit(params, parse_create_commit(params)))

    def put_file(self, params: Params) -> Params:
        request = parse_put_file(params)
        commit = self._create_commit(params, request)
        blob_id = commit.edit.files[request.puts[0].path].object_id
        return {"commitId": commit.commit_id, "blobId": blob_id, "treeId": commit.tree_id}

    def get_differences(self, params: Params) -> Params:
        limit = params.get("MaxResults", DEFAULT_MAX_RESULTS)
        validation.check_max_results(limit)
        changes = find_differences(
            self._repository(params),
            before=params.get("beforeCommitSpecifier"),
            after=params["afterCommitSpecifier"],
            paths=[params[name] for name in ("beforePath", "afterPath") if params.get(name)],
        )
        shown, token = _page(changes, lambda change: change.path, params.get("NextToken"), limit=limit)
        return {"differences": [responses.difference(item) for item in shown], "NextToken": token}

    # files

    def get_file(self, params: Params) -> Params:
        specifier = params.get("commitSpecifier")
        return responses.file_detail(read_file(self._repository(params), specifier, params["filePath"]))

    def get_folder(self, params: Params) -> Params:
        specifier = params.get("commitSpecifier")
        return responses.folder_detail(read_folder(self._repository(params), specifier, params["folderPath"]))

    def get_blob(self, params: Params) -> Params:
        return {"content": read_blob(self._repository(params), params["blobId"])}

    def _repository(self, params: Params) -> Repository:
        return self._store.get(params["repositoryName"])

    def _resource(self, params: Params) -> Repository:
        return self._store.get(self._names.repository_name(params["resourceArn"]))

    def _metadata(self, repository: Repository) -> dict[str, Any]:
        return responses.repository_metadata(repository.record, self._names)

    def _create_commit(self, params: Params, request: CommitRequest) -> NewCommit:
        repository = self._repository(params)
        commit = create_commit(repository, request, now=self._clock.now())
        self._publisher.publish(repository, [commit.change])
        return commit


def _page(
    items: Sequence[_Item], key: Callable[[_Item], str], token: str | None, *, limit: int = PAGE_SIZE
) -> tuple[list[_Item], str | None]:
    return page(items, key=key, limit=limit, token=token, invalid_token=InvalidContinuationTokenException())
