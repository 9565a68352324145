"""The API's operations on repositories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stepline.localaws.codecommit.changes import BRANCH_PREFIX
from stepline.localaws.codecommit.errors import (
    InvalidContinuationTokenException,
    MaximumRepositoryNamesExceededException,
)
from stepline.localaws.codecommit.parts import Parts
from stepline.localaws.codecommit.paths import PAGE_SIZE
from stepline.localaws.codecommit.store import Repository, RepositoryRecord, new_record
from stepline.localaws.codecommit.tag_operations import check_tags
from stepline.localaws.protocol import Params, page

MAX_BATCH_NAMES = 100
"""Names in one BatchGetRepositories, by the text of MaximumRepositoryNamesExceededException."""

_SORT_KEYS: dict[str, Callable[[RepositoryRecord], Any]] = {
    "repositoryName": lambda record: record.name,
    "lastModifiedDate": lambda record: record.last_modified_date,
}


class RepositoryOperations:
    """CreateRepository, GetRepository and their family."""

    _parts: Parts

    def create_repository(self, params: Params) -> Params:
        tags = params.get("tags", {})
        check_tags(tags)
        record = new_record(
            params["repositoryName"],
            now=self._parts.clock.now(),
            description=params.get("repositoryDescription"),
            kms_key_id=params.get("kmsKeyId"),
            tags=tags,
        )
        return {"repositoryMetadata": self._metadata(self._parts.store.create(record))}

    def get_repository(self, params: Params) -> Params:
        return {"repositoryMetadata": self._metadata(self._parts.store.get(params["repositoryName"]))}

    def batch_get_repositories(self, params: Params) -> Params:
        names = list(dict.fromkeys(params["repositoryNames"]))
        if len(names) > MAX_BATCH_NAMES:
            message = f"The maximum number of allowed repository names is {MAX_BATCH_NAMES}"
            raise MaximumRepositoryNamesExceededException(message)
        found = {name: repository for name in names if (repository := self._parts.store.find(name))}
        return {
            "repositories": [self._metadata(repository) for repository in found.values()],
            "repositoriesNotFound": [name for name in names if name not in found],
            "errors": [],
        }

    def list_repositories(self, params: Params) -> Params:
        records = [repository.record for repository in self._parts.store.all()]
        key = _SORT_KEYS[params.get("sortBy", "repositoryName")]
        records.sort(key=key, reverse=params.get("order") == "descending")
        shown, token = page(
            records,
            key=lambda record: record.repository_id,
            limit=PAGE_SIZE,
            token=params.get("nextToken"),
            invalid_token=InvalidContinuationTokenException("The specified continuation token is not valid."),
        )
        pairs = [{"repositoryName": item.name, "repositoryId": item.repository_id} for item in shown]
        return {"repositories": pairs, "nextToken": token}

    def delete_repository(self, params: Params) -> Params:
        return {"repositoryId": self._parts.store.delete(params["repositoryName"])}

    def update_repository_name(self, params: Params) -> None:
        self._parts.store.rename(params["oldName"], params["newName"], now=self._parts.clock.now())

    def update_repository_description(self, params: Params) -> None:
        """Without a description, the repository has none afterwards."""
        repository = self._parts.store.get(params["repositoryName"])
        description = params.get("repositoryDescription")
        repository.change(description=description, last_modified_date=self._parts.clock.now())

    def update_default_branch(self, params: Params) -> None:
        repository = self._parts.store.get(params["repositoryName"])
        name = params["defaultBranchName"]
        with repository.lock:
            self._parts.branch_tip(repository, name)
            if name != repository.record.default_branch:
                self._parts.git.set_head(repository.path, f"{BRANCH_PREFIX}{name}")
                repository.change(default_branch=name, last_modified_date=self._parts.clock.now())

    def _metadata(self, repository: Repository) -> dict[str, Any]:
        record = repository.record
        path = f"/v1/repos/{record.name}"
        return {
            "accountId": self._parts.account_id,
            "repositoryId": record.repository_id,
            "repositoryName": record.name,
            "repositoryDescription": record.description,
            "defaultBranch": record.default_branch,
            "lastModifiedDate": record.last_modified_date,
            "creationDate": record.creation_date,
            "cloneUrlHttp": f"{self._parts.base_url}{path}",
            "cloneUrlSsh": f"ssh://git-codecommit.{self._parts.region}.amazonaws.com{path}",
            "Arn": self._parts.announcer.repository_arn(record.name),
            "kmsKeyId": record.kms_key_id,
        }
