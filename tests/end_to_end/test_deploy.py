"""From `git push` to a CloudFormation stack, with the git client and the local AWS."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.local_aws import LocalAws, set_input

pytestmark = [pytest.mark.usefixtures("local_aws"), pytest.mark.xdist_group("local_aws")]


def edit(folder: Path, old: str, new: str) -> None:
    template = folder / "template.yaml"
    text = template.read_text()
    assert old in text
    template.write_text(text.replace(old, new))


def stack(local_aws: LocalAws, name: str) -> dict[str, object]:
    stacks = local_aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    return dict(stacks[0])


@pytest.fixture
def deployed(local_aws: LocalAws, application: Path, request: pytest.FixtureRequest) -> str:
    """The name of a stack of this test's own, to which the application is deployed."""
    name = "".join(c if c.isalnum() else "-" for c in request.node.name)[:60].strip("-")
    set_input(application, environmentName="test", stackName=name)
    outcome = local_aws.deploy(application)
    assert outcome.status == "Succeeded", outcome
    return f"test-{name}"


def test_first_push_creates_the_stack(local_aws: LocalAws, application: Path) -> None:
    set_input(application, environmentName="test", stackName="first")
    outcome = local_aws.deploy(application)
    assert outcome.status == "Succeeded", outcome
    assert stack(local_aws, "test-first")["StackStatus"] == "CREATE_COMPLETE"
    assert "Create Stack" in local_aws.states(outcome.execution_arn)


def test_outputs_of_the_stack_are_output_variables_of_the_action(
    local_aws: LocalAws, application: Path
) -> None:
    set_input(application, environmentName="test", stackName="outputs")
    execution_id = local_aws.execution_of(local_aws.push(application))
    details = local_aws.client("codepipeline").list_action_executions(
        pipelineName="stepline", filter={"pipelineExecutionId": execution_id}
    )["actionExecutionDetails"]
    variables = next(d["output"]["outputVariables"] for d in details if d["actionName"] == "Deploy")
    outputs = stack(local_aws, "test-outputs")["Outputs"]
    assert isinstance(outputs, list)
    assert outputs
    assert {output["OutputKey"]: output["OutputValue"] for output in outputs}.items() <= variables.items()


def test_changed_template_updates_the_stack(local_aws: LocalAws, application: Path, deployed: str) -> None:
    edit(application, "Resources:\n", "Resources:\n  Added:\n    Type: AWS::SQS::Queue\n")
    outcome = local_aws.deploy(application)
    assert outcome.status == "Succeeded", outcome
    assert stack(local_aws, deployed)["StackStatus"] == "UPDATE_COMPLETE"
    resources = local_aws.client("cloudformation").describe_stack_resources(StackName=deployed)[
        "StackResources"
    ]
    assert "Added" in {resource["LogicalResourceId"] for resource in resources}


def test_push_without_changes_succeeds_and_updates_nothing(
    local_aws: LocalAws, application: Path, deployed: str
) -> None:
    """Such a push failed the pipeline in earlier implementations."""
    outcome = local_aws.deploy(application)
    assert outcome.status == "Succeeded", outcome
    states = local_aws.states(outcome.execution_arn)
    assert "Execute Change Set" not in states
    assert stack(local_aws, deployed)["StackStatus"] == "CREATE_COMPLETE"


def test_replacement_is_refused_with_the_name_of_the_resource(
    local_aws: LocalAws, application: Path, deployed: str
) -> None:
    """Earlier implementations did not detect deletions and took a conditional replacement for safe."""
    timeout = "      VisibilityTimeout: !Ref VisibilityTimeoutSeconds\n"
    edit(application, timeout, "      QueueName: another-name\n" + timeout)
    outcome = local_aws.deploy(application)
    assert outcome.status == "Failed"
    assert "Queue" in outcome.error
    assert outcome.error.startswith("Inspect Change Set")
    assert stack(local_aws, deployed)["StackStatus"] == "CREATE_COMPLETE"
    change_sets = local_aws.client("cloudformation").list_change_sets(StackName=deployed)["Summaries"]
    assert change_sets == []


def test_removal_is_refused_unless_replacement_is_allowed(
    local_aws: LocalAws, application: Path, deployed: str
) -> None:
    edit(application, "Resources:\n", "Resources:\n  Added:\n    Type: AWS::SQS::Queue\n")
    assert local_aws.deploy(application).status == "Succeeded"
    edit(application, "Resources:\n  Added:\n    Type: AWS::SQS::Queue\n", "Resources:\n")
    refused = local_aws.deploy(application)
    assert refused.status == "Failed"
    assert "Added" in refused.error
    set_input(application, allowReplacement=True)
    assert local_aws.deploy(application).status == "Succeeded"
    assert stack(local_aws, deployed)["StackStatus"] == "UPDATE_COMPLETE"


def test_invalid_template_fails_with_the_reason_of_cloudformation(
    local_aws: LocalAws, application: Path, deployed: str
) -> None:
    """Earlier implementations did not report the failed state, its error and its cause to the pipeline."""
    edit(application, "Resources:\n", "Resources:\n  Broken:\n    Type: AWS::No::SuchType\n")
    outcome = local_aws.deploy(application)
    assert outcome.status == "Failed"
    assert "AWS::No::SuchType" in outcome.error
    assert stack(local_aws, deployed)["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}


def test_artifact_without_the_input_file_fails_with_the_name_of_the_file(
    local_aws: LocalAws, application: Path
) -> None:
    (application / "state_machine_input.json").unlink()
    outcome = local_aws.deploy(application)
    assert outcome.status == "Failed"
    assert "state_machine_input.json" in outcome.error
    assert outcome.execution_arn == ""


def test_stack_of_another_system_is_refused(local_aws: LocalAws, application: Path) -> None:
    """An earlier bug: a push replaced any stack with a hyphen in its name, such as one of stepline's own."""
    cloudformation = local_aws.client("cloudformation")
    body = '{"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}'
    stack_id = cloudformation.create_stack(StackName="stepline-other", TemplateBody=body)["StackId"]
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack_id, WaiterConfig={"Delay": 1})
    set_input(application, environmentName="stepline", stackName="other")
    outcome = local_aws.deploy(application)
    assert outcome.status == "Failed"
    assert "ForeignStackError: The stack stepline-other was not created by this pipeline" in outcome.error
    assert cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    assert cloudformation.list_change_sets(StackName=stack_id)["Summaries"] == []


def test_application_gets_only_the_permissions_of_the_sample(local_aws: LocalAws, application: Path) -> None:
    """An earlier bug: whoever might push could use all of SSM, such as a shell on each managed instance."""
    edit(application, "Resources:\n", "Resources:\n  Shell:\n    Type: AWS::SNS::Topic\n")
    set_input(application, environmentName="test", stackName="shell")
    outcome = local_aws.deploy(application)
    assert outcome.status == "Failed"
    assert "lacks sns:CreateTopic (Shell)" in outcome.error
    assert "the parameter ApplicationPolicyArns of the stack stepline" in outcome.error


def test_large_template_is_deployed_and_its_object_is_deleted(local_aws: LocalAws, application: Path) -> None:
    queues = "".join(
        f"  Extra{n}:\n    Type: AWS::SQS::Queue\n    Metadata:\n      Padding: {'x' * 2000}\n"
        for n in range(30)
    )
    edit(application, "Resources:\n", f"Resources:\n{queues}")
    set_input(application, environmentName="test", stackName="large")
    assert (application / "template.yaml").stat().st_size > 51_200
    assert local_aws.deploy(application).status == "Succeeded"
    bucket = next(
        output["OutputValue"]
        for output in local_aws.client("cloudformation").describe_stacks(StackName="stepline")["Stacks"][0][
            "Outputs"
        ]
        if output["OutputKey"] == "ArtifactBucketName"
    )
    remaining = local_aws.client("s3").list_objects_v2(Bucket=bucket, Prefix="templates/")
    assert remaining["KeyCount"] == 0
