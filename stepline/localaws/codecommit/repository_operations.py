"""The API's operations on repositories and their tags."""

from __future__ import annotations

from typing import Any

from stepline.localaws.codecommit.parts import Parts
from stepline.localaws.codecommit.store import Repository, new_record
from stepline.localaws.protocol import Params


class RepositoryOperations:
    """CreateRepository, GetRepository and their family."""

    _parts: Parts

    def create_repository(self, params: Params) -> Params:
        record = new_record(
            params["repositoryName"],
            now=self._parts.clock.now(),
            description=params.get("repositoryDescription"),
            kms_key_id=params.get("kmsKeyId"),
            tags=params.get("tags", {}),
        )
        return {"repositoryMetadata": self._metadata(self._parts.store.create(record))}

    def get_repository(self, params: Params) -> Params:
        return {"repositoryMetadata": self._metadata(self._parts.store.get(params["repositoryName"]))}

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
