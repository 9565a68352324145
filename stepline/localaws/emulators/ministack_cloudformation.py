"""What ministack's CloudFormation lacks, and where it keeps state machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from ministack.services import stepfunctions
from ministack.services.cloudformation import provisioners

from stepline.localaws.protocol import AwsError

if TYPE_CHECKING:
    from mypy_boto3_codecommit import CodeCommitClient
    from mypy_boto3_codepipeline import CodePipelineClient

Properties = Mapping[str, Any]
Resource = tuple[str, dict[str, str]]
"""What `Ref` returns, and what `Fn::GetAtt` returns by attribute."""


def add_repository_type(codecommit: CodeCommitClient) -> None:
    """AWS::CodeCommit::Repository, without `Code` and `Triggers`.

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
        _refuse("AWS::CodeCommit::Repository", properties, {"Code", "Triggers", "KmsKeyId"})
        name = properties["RepositoryName"]
        codecommit.create_repository(
            repositoryName=name,
            repositoryDescription=properties.get("RepositoryDescription", ""),
            tags=_tags(properties),
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
    _add_type("AWS::CodeCommit::Repository", create, update, delete, replacing=())


def add_pipeline_type(codepipeline: CodePipelineClient) -> None:
    """AWS::CodePipeline::Pipeline, with one artifact store.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-codepipeline-pipeline.html
    """

    def create(logical_id: str, properties: Properties, stack_name: str) -> Resource:
        name = properties.get("Name") or provisioners._physical_name(stack_name, logical_id)
        answer = codepipeline.create_pipeline(
            pipeline=_declaration(name, properties),
            tags=[{"key": key, "value": value} for key, value in _tags(properties).items()],
        )
        return name, {"Version": str(answer["pipeline"].get("version", 1))}

    def update(physical_id: str, _old: Properties, new: Properties, _stack_name: str) -> Resource:
        answer = codepipeline.update_pipeline(pipeline=_declaration(physical_id, new))
        return physical_id, {"Version": str(answer["pipeline"].get("version", 1))}

    def delete(physical_id: str, _properties: Properties) -> None:
        codepipeline.delete_pipeline(name=physical_id)

    _add_type("AWS::CodePipeline::Pipeline", create, update, delete, replacing=("Name",))


class StateMachineRecords(MutableMapping[str, dict[str, Any]]):
    """The store that ministack's CloudFormation keeps state machines in: ARN -> record.

    stepline runs the executions on moto's interpreter; the definitions stay where CloudFormation
    writes them. It writes a machine's logging as in the template, with capital letters.
    """

    def __init__(self) -> None:
        self._records: MutableMapping[str, dict[str, Any]] = stepfunctions._state_machines

    def __getitem__(self, arn: str) -> dict[str, Any]:
        record = self._records[arn]
        return record | {"loggingConfiguration": _api_names(record.get("loggingConfiguration", {}))}

    def __setitem__(self, arn: str, record: dict[str, Any]) -> None:
        self._records[arn] = record

    def __delitem__(self, arn: str) -> None:
        del self._records[arn]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._records))

    def __len__(self) -> int:
        return len(self._records)


def check_state_machines(check: Callable[[str, str], None]) -> None:
    """Let `check` refuse a definition, with an `AwsError`, given its text and `STANDARD` or `EXPRESS`.

    ministack's CloudFormation deploys any text; on AWS a broken definition fails the stack.
    """
    original = provisioners._sfn_definition

    def definition(properties: Properties) -> str:
        text = str(original(properties))
        try:
            check(text, properties.get("StateMachineType", "STANDARD"))
        except AwsError as error:
            raise ValueError(f"AWS::StepFunctions::StateMachine: {error.message}") from error
        return text

    provisioners._sfn_definition = definition


def _declaration(name: str, properties: Properties) -> Any:
    """The template's properties as CodePipeline's own pipeline structure."""
    ignored = {"Tags", "RestartExecutionOnUpdate", "DisableInboundStageTransitions", "Name"}
    _refuse("AWS::CodePipeline::Pipeline", properties, {"ArtifactStores", "DisableInboundStageTransitions"})
    wanted = {key: value for key, value in properties.items() if key not in ignored}
    return {"name": name, **_api_names(wanted)}


def _api_names(value: Any, key: str = "") -> Any:
    """A template's properties as the API names them, at every depth: `RoleArn` -> `roleArn`."""
    if isinstance(value, Mapping):
        if key == "Configuration":  # an action's own keys, the same in both
            return {name: str(item) for name, item in value.items()}
        return {name[0].lower() + name[1:]: _api_names(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_api_names(item) for item in value]
    return int(value) if key in {"RunOrder", "TimeoutInMinutes"} else value


def _tags(properties: Properties) -> dict[str, str]:
    """Without the tags that CloudFormation adds itself: no API lets a client set those."""
    tags = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}
    return {key: value for key, value in tags.items() if not key.startswith("aws:")}


def _refuse(resource_type: str, properties: Properties, unsupported: set[str]) -> None:
    if found := sorted(unsupported & properties.keys()):
        raise ValueError(f"{resource_type}: the local AWS does not support {', '.join(found)}")


def _add_type(
    resource_type: str,
    create: Callable[[str, Properties, str], Resource],
    update: Callable[[str, Properties, Properties, str], Resource],
    delete: Callable[[str, Properties], None],
    *,
    replacing: tuple[str, ...],
) -> None:
    """`replacing` names the properties whose change replaces the resource.

    ministack shows a ValueError's text as the resource's status reason, as CloudFormation would.
    """

    def explained(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            try:
                return function(*args)
            except ClientError as error:
                raise ValueError(f"{resource_type}: {error.response['Error']['Message']}") from error

        return call

    provisioners._RESOURCE_HANDLERS[resource_type] = {
        "create": explained(create),
        "update": explained(update),
        "delete": explained(delete),
    }
    provisioners._REPLACING_PROPERTIES[resource_type] = replacing
    provisioners._STACK_TAG_PROPERTY[resource_type] = ("Tags", "list")
