"""Checks that a pipeline's structure is valid, beyond the service model.

https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-pipeline-structure.html. The message says
so where the local AWS refuses what AWS can run.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from stepline.localaws.codepipeline.action_type_registry import ActionTypes
from stepline.localaws.codepipeline.declarations import (
    ActionDeclaration,
    ExecutionMode,
    PipelineDeclaration,
    StageDeclaration,
)
from stepline.localaws.codepipeline.errors import (
    InvalidActionDeclarationException,
    InvalidStageDeclarationException,
    InvalidStructureException,
    InvalidTagsException,
    LimitExceededException,
    TooManyTagsException,
)
from stepline.localaws.codepipeline.settings import MAX_ACTIONS_PER_STAGE, MAX_STAGES, MAX_TAGS
from stepline.localaws.codepipeline.triggers import check_triggers
from stepline.localaws.codepipeline.variables import (
    PIPELINE_NAMESPACE,
    RESERVED_NAMESPACES,
    VARIABLES_NAMESPACE,
    namespaces_in,
)

_SOURCE = "Source"
_AWS = "AWS"
_STAGE_CONDITIONS = ("beforeEntry", "onSuccess", "onFailure")


def check_tags(tags: Mapping[str, str]) -> None:
    """Raises TooManyTagsException, InvalidTagsException."""
    if len(tags) > MAX_TAGS:
        raise TooManyTagsException(f"A resource can have at most {MAX_TAGS} tags")
    if any(key.lower().startswith("aws:") for key in tags):
        raise InvalidTagsException("Tag keys that begin with 'aws:' are reserved")


def check_pipeline(declaration: PipelineDeclaration, *, region: str, types: ActionTypes) -> None:
    """Raises InvalidStructureException or another AwsError for a pipeline that AWS would refuse."""
    _check_stages(declaration)
    _check_type(declaration)
    _check_stores(declaration, region)
    for stage in declaration.stages:
        for action in stage.actions:
            _check_action(action, region, types)
    check_triggers(declaration)
    _check_order(declaration)


def _check_stages(declaration: PipelineDeclaration) -> None:
    stages = declaration.stages
    if len(stages) < 2:
        raise InvalidStructureException(
            f"Pipeline has only {len(stages)} stage(s). There should be a minimum of 2 stages in a pipeline"
        )
    if len(stages) > MAX_STAGES:
        raise LimitExceededException(f"Pipeline has more than {MAX_STAGES} stages")
    if name := repeated([stage.name for stage in stages]):
        raise InvalidStageDeclarationException(
            f"Pipeline has multiple stages with the name '{name}'. Stage names must be unique"
        )
    for stage in stages:
        _check_stage(stage)
    if any(action.type.category != _SOURCE for action in stages[0].actions):
        raise InvalidStructureException(
            "Pipeline should start with a stage that only contains source actions"
        )
    for stage in stages[1:]:
        for action in stage.actions:
            if action.type.category == _SOURCE:
                raise InvalidStructureException(
                    f"Source action '{action.name}' is not in the first stage of the pipeline"
                )
    for document in declaration.document["stages"]:
        _check_conditions(document)


def _check_stage(stage: StageDeclaration) -> None:
    if not stage.actions:
        raise InvalidStageDeclarationException(f"Stage '{stage.name}' must contain at least one action")
    if len(stage.actions) > MAX_ACTIONS_PER_STAGE:
        raise LimitExceededException(f"Stage '{stage.name}' has more than {MAX_ACTIONS_PER_STAGE} actions")
    if name := repeated([action.name for action in stage.actions]):
        raise InvalidActionDeclarationException(
            f"Stage '{stage.name}' has multiple actions with the name '{name}'. Names must be unique"
        )


def _check_conditions(stage: Mapping[str, Any]) -> None:
    for name in _STAGE_CONDITIONS:
        condition = stage.get(name)
        if condition and condition != {"result": "FAIL"}:
            raise InvalidStageDeclarationException(
                f"Stage '{stage['name']}': the local AWS of stepline does not support {name}; remove it"
            )


def _check_type(declaration: PipelineDeclaration) -> None:
    if declaration.type == "V2":
        return
    if declaration.variables:
        raise InvalidStructureException("Pipeline variables need a pipeline of type V2")
    if compute := [action.name for action in declaration.actions() if action.type.category == "Compute"]:
        raise InvalidStructureException(f"Action '{compute[0]}' needs a pipeline of type V2")
    if declaration.mode is not ExecutionMode.SUPERSEDED:
        raise InvalidStructureException(f"Execution mode {declaration.mode} needs a pipeline of type V2")


def _check_stores(declaration: PipelineDeclaration, region: str) -> None:
    if ("artifactStore" in declaration.document) == ("artifactStores" in declaration.document):
        raise InvalidStructureException(
            "Pipeline should have either one artifactStore or artifactStores, and not both"
        )
    if not {None, region} & set(declaration.stores):
        raise InvalidStructureException(f"Pipeline has no artifact store in region {region}")
    for stage in declaration.stages:
        for action in stage.actions:
            if action.region not in {None, region, *declaration.stores}:
                raise InvalidStructureException(
                    f"Action '{action.name}' is in region {action.region}, for which the pipeline has no "
                    "artifact store in artifactStores"
                )


def _check_action(action: ActionDeclaration, region: str, types: ActionTypes) -> None:
    definition = types.find(action.type)
    if definition is None:
        action_type = action.type
        raise InvalidActionDeclarationException(
            f"ActionType (Category: '{action_type.category}', Provider: '{action_type.provider}', "
            f"Owner: '{action_type.owner}', Version: '{action_type.version}') in action '{action.name}' "
            f"is not available in region {region.upper().replace('-', '_')} of the local AWS of stepline. It "
            f"has {_listed(types)}"
        )
    for key in definition.required:
        if key not in action.configuration:
            raise InvalidActionDeclarationException(
                f"Action configuration for action '{action.name}' is missing required configuration '{key}'"
            )
    for key in action.configuration:
        if key not in (*definition.required, *definition.optional):
            raise InvalidActionDeclarationException(
                f"Action configuration for action '{action.name}' contains unknown configuration '{key}'"
            )
    if action.timeout_minutes is not None and not definition.takes_timeout:
        raise InvalidActionDeclarationException(
            f"Action '{action.name}' has timeoutInMinutes, which only manual approval actions take"
        )
    if action.region not in {None, region} and not _may_be_in_another_region(action):
        raise InvalidActionDeclarationException(
            f"Action '{action.name}' is in region {action.region}. Source actions, custom actions and those "
            f"of third parties must be in the region of the pipeline, {region}"
        )
    _check_count(action, "input", len(action.inputs), definition.inputs)
    _check_count(action, "output", len(action.outputs), definition.outputs)
    definition.check(action)


def _may_be_in_another_region(action: ActionDeclaration) -> bool:
    """https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-create-cross-region.html."""
    return action.type.owner == _AWS and action.type.category != _SOURCE


def _listed(types: ActionTypes) -> str:
    """Return the action types as `Build: CodeBuild; Source: CodeCommit, S3`."""
    providers: dict[str, list[str]] = {}
    for item in types.available():
        providers.setdefault(item.type.category, []).append(item.type.provider)
    return "; ".join(
        f"{category}: {', '.join(sorted(providers[category]))}" for category in sorted(providers)
    )


def _check_count(action: ActionDeclaration, kind: str, count: int, bounds: tuple[int, int]) -> None:
    minimum, maximum = bounds
    if not minimum <= count <= maximum:
        raise InvalidActionDeclarationException(
            f"Action '{action.name}' has {count} {kind} artifacts; "
            f"{action.type.provider} takes at least {minimum} and at most {maximum}"
        )


def _check_order(declaration: PipelineDeclaration) -> None:
    """Check that artifacts and namespaces are declared once, and before they are used."""
    artifacts: set[str] = set()
    namespaces: set[str] = set()
    for stage in declaration.stages:
        for group in stage.groups():
            for action in group:
                _check_inputs(action, artifacts)
                _check_references(stage, action, namespaces, declaration.variables)
            for action in group:
                _add_outputs(action, artifacts)
                _add_namespace(action, namespaces)


def _check_inputs(action: ActionDeclaration, artifacts: Container[str]) -> None:
    for name in action.inputs:
        if name not in artifacts:
            raise InvalidStructureException(
                f"Input Artifact Bundle {name} in action {action.name} is not declared as "
                "Output Artifact Bundle in any of the preceding actions"
            )


def _add_outputs(action: ActionDeclaration, artifacts: set[str]) -> None:
    for name in action.outputs:
        if name in artifacts:
            raise InvalidStructureException(
                f"Output Artifact Bundle name must be unique within the pipeline: {name}"
            )
        artifacts.add(name)


def _add_namespace(action: ActionDeclaration, namespaces: set[str]) -> None:
    if action.namespace is None:
        return
    if action.namespace in RESERVED_NAMESPACES:
        raise InvalidActionDeclarationException(
            f"Action '{action.name}' uses the reserved namespace '{action.namespace}'"
        )
    if action.namespace in namespaces:
        raise InvalidActionDeclarationException(
            f"Namespace '{action.namespace}' of action '{action.name}' is not unique in the pipeline"
        )
    namespaces.add(action.namespace)


def _check_references(
    stage: StageDeclaration,
    action: ActionDeclaration,
    namespaces: Container[str],
    variables: Container[str],
) -> None:
    for key, text in action.configuration.items():
        for namespace, name in namespaces_in(text):
            known = (
                name in variables
                if namespace == VARIABLES_NAMESPACE
                else namespace == PIPELINE_NAMESPACE or namespace in namespaces
            )
            if not known:
                raise InvalidActionDeclarationException(
                    "Valid format for a pipeline execution variable reference is a namespace and a key "
                    "separated by a period (.). The following pipeline execution variables are referencing "
                    f"a namespace that does not exist. StageName=[{stage.name}], "
                    f"ActionName=[{action.name}], ActionConfigurationKey=[{key}], "
                    f"VariableReferenceText=[{namespace}.{name}]"
                )


def repeated(names: list[str]) -> str | None:
    """Return the first name that occurs more than once."""
    return next((name for index, name in enumerate(names) if name in names[:index]), None)
