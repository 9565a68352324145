"""What a stack event says when a resource cannot be created."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

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


def test_response_of_a_service_is_shown_as_its_message(deployment: Deployment) -> None:
    """ministack shows the bytes of the response."""
    target = {
        "FileSystemId": "fs-0123456789abcdef0",
        "SubnetId": "subnet-0123456789abcdef0",
        "SecurityGroups": ["sg-0123456789abcdef0"],
    }
    (reason,) = deployment.create_failing(resources(Target=("AWS::EFS::MountTarget", target)))
    assert reason.startswith("AWS::EFS::MountTarget create failed: ")
    assert "b'" not in reason
    assert "{" not in reason


def test_error_of_the_sam_transform_is_that_of_cloudformation(deployment: Deployment) -> None:
    function = {"CodeUri": "./source", "Handler": "a.b", "Runtime": "python3.13"}
    template = resources(F=("AWS::Serverless::Function", function))
    template["Transform"] = "AWS::Serverless-2016-10-31"
    with pytest.raises(ClientError) as caught:
        deployment.create(template)
    assert caught.value.response["Error"]["Message"] == (
        "Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless Application Specification"
        " document. Number of errors found: 1. Resource with id [F] is invalid. 'CodeUri' is not a valid"
        " S3 Uri of the form 's3://bucket/key' with optional versionId query parameter."
    )


def test_bucket_encryption_without_an_algorithm_is_accepted(deployment: Deployment) -> None:
    """Only the bucket key is set: S3 encrypts with its own keys [schema of AWS::S3::Bucket]."""
    encryption = {"ServerSideEncryptionConfiguration": [{"BucketKeyEnabled": True}]}
    deployment.create(resources(Bucket=("AWS::S3::Bucket", {"BucketEncryption": encryption})))


def test_application_of_the_serverless_application_repository_is_refused_by_its_name(
    deployment: Deployment,
) -> None:
    """The transform read the application from AWS, and reported missing credentials."""
    application = "arn:aws:serverlessrepo:us-east-1:111122223333:applications/rotation"
    location = {"ApplicationId": application, "SemanticVersion": "1.0.0"}
    template = resources(Rotation=("AWS::Serverless::Application", {"Location": location}))
    template["Transform"] = "AWS::Serverless-2016-10-31"
    with pytest.raises(ClientError) as caught:
        deployment.create(template)
    assert caught.value.response["Error"]["Message"] == (
        "Transform AWS::Serverless-2016-10-31 failed with: Resource with id [Rotation] is an application of"
        f" the Serverless Application Repository, {application}, which the local AWS does not have."
        " Download its template from AWS (aws serverlessrepo create-cloud-formation-template) and set"
        " Location to that file."
    )


def test_export_that_does_not_exist_fails_the_resource(deployment: Deployment) -> None:
    """The name of a bucket is checked before the deployment, which did not end."""
    name = {"Fn::Sub": ["${Name}-bucket", {"Name": {"Fn::ImportValue": "missing"}}]}
    (reason,) = deployment.create_failing(resources(Bucket=("AWS::S3::Bucket", {"BucketName": name})))
    assert "missing" in reason
