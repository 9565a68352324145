"""The Build stage of the application's pipeline: what it packages, and what CloudFormation reads."""

from __future__ import annotations

import contextlib
import json
import sys
import uuid
from collections.abc import Mapping
from typing import Any

from tests.iam.pipeline import Pipeline
from tests.iam.stacks import APPLICATION
from tests.iam.system import ACCOUNT, System

_POLICY = "iam-layers"
_BUILD = f"""{sys.executable} - << 'END'
import io, json, os, zipfile
import boto3
from botocore.exceptions import ClientError

s3, bucket, key = boto3.client("s3"), os.environ["PACKAGE_BUCKET"], "KEY"
try:
    s3.head_object(Bucket=bucket, Key=key)
except ClientError as error:
    assert error.response["Error"]["Code"] == "404", error
package = io.BytesIO()
with zipfile.ZipFile(package, "w") as archive:
    archive.writestr("python/code.py", "")
s3.put_object(Bucket=bucket, Key=key, Body=package.getvalue())
s3.get_object(Bucket=bucket, Key=key)
content = {{"S3Bucket": bucket, "S3Key": key}}
layer = {{"Type": "AWS::Lambda::LayerVersion", "Properties": {{"Content": content}}}}
with open("template.json", "w") as file:
    json.dump({{"Resources": {{"Layer": layer}}}}, file)
END
"""
"""Does what `sam package` does, without waiting for it."""

_BUILDSPEC = {
    "version": 0.2,
    "phases": {"build": {"commands": ["sh build.sh"]}},
    "artifacts": {"files": ["**/*"]},
}


def allow_layers(system: System) -> Mapping[str, str]:
    """Create a policy that allows layers, and no packages."""
    iam = system.client("iam")
    statement = {"Effect": "Allow", "Action": "lambda:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_policy(PolicyName=_POLICY, PolicyDocument=document)
    return {"ApplicationPolicyArns": f"arn:aws:iam::{ACCOUNT}:policy/{_POLICY}"}


def pushed_code_is_built(system: Pipeline) -> None:
    logs = system.client("logs")
    with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
        logs.delete_log_group(logGroupName=f"/aws/codepipeline/{APPLICATION}")  # Commands create it
    name = uuid.uuid4().hex[:12]
    request = {"environmentName": "iam", "stackName": name, "templatePath": "template.json"}
    files: dict[str, Any] = {
        "build.sh": _BUILD.replace("KEY", f"{name}.zip"),
        "buildspec.yml": json.dumps(_BUILDSPEC),
        "state_machine_input": request,
    }
    system.push(**files).assert_status("Succeeded")
    system.assert_stack_status(f"iam-{name}", "CREATE_COMPLETE")
