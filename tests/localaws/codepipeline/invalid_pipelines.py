"""Pipelines that CreatePipeline refuses: name -> (error code, part of the message, declaration)."""

from __future__ import annotations

from typing import Any

from tests.localaws.codepipeline.fakes import (
    approval_action,
    lambda_action,
    pipeline,
    source_action,
    stage,
)

ACTION, STAGE, STRUCTURE, MODEL = (
    "InvalidActionDeclarationException",
    "InvalidStageDeclarationException",
    "InvalidStructureException",
    "ValidationException",
)
SOURCE = stage("Source", source_action())
STORE = {"type": "S3", "location": "bucket"}
REPORT = [{"name": "Report"}]


def deploy(**changes: Any) -> dict[str, Any]:
    """A pipeline whose action Deploy has these members."""
    return pipeline(stage("Deploy", lambda_action(**changes)))


def parameters(text: str) -> dict[str, Any]:
    return deploy(configuration={"UserParameters": text})


def action_type(category: str, provider: str, version: str = "1") -> dict[str, str]:
    return {"category": category, "owner": "AWS", "provider": provider, "version": version}


def stages(*items: dict[str, Any]) -> dict[str, Any]:
    return {**pipeline(), "stages": list(items)}


def trigger(**filters: Any) -> dict[str, Any]:
    return {
        "providerType": "CodeStarSourceConnection",
        "gitConfiguration": {"sourceActionName": "Source", **filters},
    }


INVALID: dict[str, tuple[str, str, dict[str, Any]]] = {
    # --- stages
    "one stage": (STRUCTURE, "Pipeline has only 1 stage(s)", stages(SOURCE)),
    "51 stages": (
        "LimitExceededException",
        "more than 50 stages",
        pipeline(*(stage(f"S{number}", approval_action()) for number in range(50))),
    ),
    "stage without actions": (
        STAGE,
        "'Deploy' must contain at least one action",
        pipeline(stage("Deploy")),
    ),
    "stages of the same name": (
        STAGE,
        "multiple stages with the name 'Deploy'",
        pipeline(stage("Deploy", lambda_action()), stage("Deploy", lambda_action())),
    ),
    "stage condition": (
        STAGE,
        "does not support onFailure",
        pipeline({**stage("Deploy", lambda_action()), "onFailure": {"result": "ROLLBACK"}}),
    ),
    "first stage with an approval": (
        STRUCTURE,
        "only contains source actions",
        stages(stage("Source", source_action(), approval_action()), stage("Deploy", lambda_action())),
    ),
    "source action in a later stage": (
        STRUCTURE,
        "Source action 'Again' is not in the first stage",
        pipeline(stage("Deploy", source_action(name="Again", outputArtifacts=[{"name": "Two"}]))),
    ),
    # --- actions
    "actions of the same name": (
        ACTION,
        "multiple actions with the name 'Deploy'",
        pipeline(stage("Deploy", lambda_action(), lambda_action())),
    ),
    "action in another region": (
        STRUCTURE,
        "is in region eu-west-1, for which the pipeline has no artifact store",
        deploy(region="eu-west-1"),
    ),
    "provider that is not had": (
        ACTION,
        "Compute: Commands; Deploy: CloudFormation, ECS, S3; Invoke: Lambda, StepFunctions",
        deploy(actionTypeId=action_type("Deploy", "ElasticBeanstalk")),
    ),
    "time-out of another action than an approval": (
        ACTION,
        "only manual approval actions take",
        deploy(timeoutInMinutes=30),
    ),
    "unknown provider": (
        ACTION,
        "Provider: 'Elsewhere'",
        deploy(actionTypeId=action_type("Deploy", "Elsewhere")),
    ),
    "unknown version of a provider": (
        ACTION,
        "Version: '2'",
        deploy(actionTypeId=action_type("Invoke", "Lambda", "2")),
    ),
    "missing configuration key": (
        ACTION,
        "missing required configuration 'FunctionName'",
        pipeline(stage("Deploy", {**lambda_action(), "configuration": {}})),
    ),
    "unknown configuration key": (
        ACTION,
        "unknown configuration 'Function'",
        deploy(configuration={"Function": "x"}),
    ),
    "runOrder of 0": (MODEL, "greater than or equal to 1", deploy(runOrder=0)),
    "runOrder of 1000": (MODEL, "less than or equal to 999", deploy(runOrder=1000)),
    "empty UserParameters": (MODEL, "length greater than or equal to 1", parameters("")),
    "UserParameters too long": (MODEL, "length less than or equal to 1000", parameters("x" * 1001)),
    # --- artifacts
    "source action with an input artifact": (
        ACTION,
        "has 1 input artifacts",
        stages(
            stage("Source", source_action(inputArtifacts=[{"name": "X"}])), stage("Deploy", lambda_action())
        ),
    ),
    "too many output artifacts": (
        ACTION,
        "has 6 output artifacts",
        deploy(outputArtifacts=[{"name": f"A{number}"} for number in range(6)]),
    ),
    "output artifact declared twice": (
        STRUCTURE,
        "must be unique within the pipeline: Report",
        pipeline(
            stage(
                "Deploy",
                lambda_action("A", outputArtifacts=REPORT),
                lambda_action("B", outputArtifacts=REPORT),
            )
        ),
    ),
    "input artifact of a parallel action": (
        STRUCTURE,
        "Input Artifact Bundle Report in action Use",
        pipeline(
            stage(
                "Deploy",
                lambda_action("Use", inputArtifacts=REPORT),
                lambda_action("Make", outputArtifacts=REPORT),
            )
        ),
    ),
    "no artifact store in the region": (
        STRUCTURE,
        "no artifact store in region us-east-1",
        {
            **{name: value for name, value in pipeline().items() if name != "artifactStore"},
            "artifactStores": {"eu-west-1": STORE},
        },
    ),
    "artifactStore and artifactStores": (
        STRUCTURE,
        "either one artifactStore or artifactStores",
        pipeline(artifactStores={"us-east-1": STORE}),
    ),
    # --- variables and namespaces
    "namespace used twice": (ACTION, "Namespace 'SourceVariables'", deploy(namespace="SourceVariables")),
    "reserved namespace": (ACTION, "reserved namespace 'codepipeline'", deploy(namespace="codepipeline")),
    "variable of an unknown namespace": (
        ACTION,
        "VariableReferenceText=[Nowhere.Url]",
        parameters("#{Nowhere.Url}"),
    ),
    "variable of a parallel action": (
        ACTION,
        "VariableReferenceText=[Made.Url]",
        pipeline(
            stage(
                "Deploy",
                lambda_action("Make", namespace="Made"),
                lambda_action("Use", configuration={"UserParameters": "#{Made.Url}"}),
            )
        ),
    ),
    "undeclared pipeline variable": (
        ACTION,
        "VariableReferenceText=[variables.Env]",
        parameters("#{variables.Env}"),
    ),
    # --- the pipeline
    "name with a space": (MODEL, "regular expression pattern", pipeline(name="my app")),
    "variables in a V1 pipeline": (
        STRUCTURE,
        "variables need a pipeline of type V2",
        pipeline(pipelineType="V1", variables=[{"name": "Env", "defaultValue": "x"}]),
    ),
    "mode QUEUED in a V1 pipeline": (
        STRUCTURE,
        "QUEUED needs a pipeline of type V2",
        pipeline(pipelineType="V1", executionMode="QUEUED"),
    ),
    "trigger of an action without a connection": (
        STRUCTURE,
        "'Source', which is not a CodeStarSourceConnection action",
        pipeline(triggers=[trigger(push=[{"tags": {"includes": ["v*"]}}])]),
    ),
    "trigger in a V1 pipeline": (
        STRUCTURE,
        "Triggers need a pipeline of type V2",
        pipeline(pipelineType="V1", triggers=[trigger()]),
    ),
    "format of an artifact": (
        ACTION,
        "invalid OutputArtifactFormat 'TAR'",
        stages(
            stage(
                "Source",
                source_action(
                    configuration={
                        "RepositoryName": "app",
                        "BranchName": "main",
                        "OutputArtifactFormat": "TAR",
                    }
                ),
            ),
            stage("Deploy", lambda_action()),
        ),
    ),
}
