"""What a stack event says when a resource cannot be created."""

from __future__ import annotations

from tests.localaws.cloudformation.deployments import Deployment, resources


def test_error_of_python_becomes_a_message_that_names_the_resource(deployment: Deployment) -> None:
    artifacts = {"Type": "NO_ARTIFACTS"}
    environment = {"ComputeType": "BUILD_GENERAL1_SMALL", "Image": "i", "Type": "LINUX_CONTAINER"}
    properties = {
        "Name": ["no text"],
        "Artifacts": artifacts,
        "Environment": environment,
        "ServiceRole": "arn:aws:iam::000000000000:role/r",
        "Source": {"Type": "NO_SOURCE"},
    }
    # CloudFormation checks only the names of this type's properties.
    (reason,) = deployment.create_failing(resources(Build=("AWS::CodeBuild::Project", properties)))
    assert reason == (
        "The local AWS failed to create Build (AWS::CodeBuild::Project). Check that each property has the"
        " type that AWS documents; the log of the local AWS has the details."
    )


def test_error_of_a_service_stays(deployment: Deployment) -> None:
    policy = ("AWS::IAM::Policy", {"PolicyName": "p", "PolicyDocument": {"Statement": []}, "Roles": ["r"]})
    (reason,) = deployment.create_failing(resources(Policy=policy))
    assert "local AWS" not in reason
