"""Adds AWS::CodeCommit::Repository to ministack's CloudFormation."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ministack.services import s3

from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    Resource,
    add_type,
    api_names,
    listed_tags,
)

if TYPE_CHECKING:
    from mypy_boto3_codecommit import CodeCommitClient
    from mypy_boto3_codecommit.type_defs import PutFileEntryTypeDef

_TYPE = "AWS::CodeCommit::Repository"
_BRANCH = "main"
"""Of `Code` without a BranchName."""
_FILES_PER_COMMIT = 100


def add_repository_type(codecommit: CodeCommitClient) -> None:
    """Add the type. Its first commits have the files of `Code`, 100 in each, as CreateCommit takes them.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-codecommit-repository.html
    """

    def resource(name: str) -> Resource:
        metadata = codecommit.get_repository(repositoryName=name)["repositoryMetadata"]
        return metadata["repositoryId"], {
            "Arn": metadata["Arn"],
            "CloneUrlHttp": metadata["cloneUrlHttp"],
            "CloneUrlSsh": metadata["cloneUrlSsh"],
            "Name": metadata["repositoryName"],
        }

    def create(_logical_id: str, properties: Properties, _stack_name: str) -> Resource:
        name = properties["RepositoryName"]
        codecommit.create_repository(
            repositoryName=name,
            repositoryDescription=properties.get("RepositoryDescription", ""),
            tags=listed_tags(properties),
            **({"kmsKeyId": properties["KmsKeyId"]} if "KmsKeyId" in properties else {}),
        )
        if code := properties.get("Code"):
            _commit(codecommit, name, code.get("BranchName", _BRANCH), _files(code["S3"]))
        if properties.get("Triggers"):
            put_triggers(name, properties)
        return resource(name)

    def put_triggers(name: str, properties: Properties) -> None:
        triggers: Any = [api_names(trigger) for trigger in properties.get("Triggers", [])]
        codecommit.put_repository_triggers(repositoryName=name, triggers=triggers)

    def update(_physical_id: str, old: Properties, new: Properties, _stack_name: str) -> Resource:
        name = new["RepositoryName"]
        if name != old["RepositoryName"]:
            codecommit.update_repository_name(oldName=old["RepositoryName"], newName=name)
        codecommit.update_repository_description(
            repositoryName=name, repositoryDescription=new.get("RepositoryDescription", "")
        )
        if new.get("Triggers") != old.get("Triggers"):
            put_triggers(name, new)
        return resource(name)

    def delete(_physical_id: str, properties: Properties) -> None:
        codecommit.delete_repository(repositoryName=properties["RepositoryName"])

    # A rename keeps the repository: https://docs.aws.amazon.com/codecommit/latest/userguide/how-to-change-repository.html
    add_type(_TYPE, create, update, delete)


def _files(place: Mapping[str, Any]) -> list[PutFileEntryTypeDef]:
    """Return the files of the zip in the bucket."""
    content = s3._get_object_data(place["Bucket"], place["Key"], place.get("ObjectVersion"))
    if content is None:
        raise ValueError(f"{_TYPE}: {place['Key']} in the bucket {place['Bucket']} does not exist")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [item for item in archive.infolist() if not item.is_dir()]
            return [
                {
                    "filePath": item.filename,
                    "fileMode": "EXECUTABLE" if item.external_attr >> 16 & stat.S_IXUSR else "NORMAL",
                    "fileContent": archive.read(item),
                }
                for item in members
            ]
    except zipfile.BadZipFile as error:
        raise ValueError(f"{_TYPE}: {place['Key']} in the bucket {place['Bucket']} is not a zip") from error


def _commit(
    codecommit: CodeCommitClient, name: str, branch: str, files: Sequence[PutFileEntryTypeDef]
) -> None:
    parent: Any = {}
    for first in range(0, len(files), _FILES_PER_COMMIT):
        commit = codecommit.create_commit(
            repositoryName=name,
            branchName=branch,
            commitMessage="Initial commit",
            putFiles=files[first : first + _FILES_PER_COMMIT],
            **parent,
        )
        parent = {"parentCommitId": commit["commitId"]}
