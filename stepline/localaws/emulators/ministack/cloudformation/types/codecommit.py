"""Adds AWS::CodeCommit::Repository to ministack's CloudFormation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    Resource,
    add_type,
    listed_tags,
    refuse_properties,
)

if TYPE_CHECKING:
    from mypy_boto3_codecommit import CodeCommitClient

_TYPE = "AWS::CodeCommit::Repository"


def add_repository_type(codecommit: CodeCommitClient) -> None:
    """Add the type without `Code`, `Triggers` and `KmsKeyId`.

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
        refuse_properties(_TYPE, properties, {"Code", "Triggers", "KmsKeyId"})
        name = properties["RepositoryName"]
        codecommit.create_repository(
            repositoryName=name,
            repositoryDescription=properties.get("RepositoryDescription", ""),
            tags=listed_tags(properties),
        )
        return resource(name)

    def update(_physical_id: str, old: Properties, new: Properties, _stack_name: str) -> Resource:
        name = new["RepositoryName"]
        if name != old["RepositoryName"]:
            codecommit.update_repository_name(oldName=old["RepositoryName"], newName=name)
        codecommit.update_repository_description(
            repositoryName=name, repositoryDescription=new.get("RepositoryDescription", "")
        )
        return resource(name)

    def delete(_physical_id: str, properties: Properties) -> None:
        codecommit.delete_repository(repositoryName=properties["RepositoryName"])

    # A rename keeps the repository: https://docs.aws.amazon.com/codecommit/latest/userguide/how-to-change-repository.html
    add_type(_TYPE, create, update, delete)
