"""Deletes everything that the acceptance run has created, and finds what is left.

Everything is found by the prefix of its name, so that the remains of an interrupted run can be deleted, too.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from stepline.core.errors import SteplineError
from tests.acceptance.environment import Environment, StepFailedError
from tests.acceptance.redrive_steps import switch_name
from tests.acceptance.system_steps import sample_stack

_CLEAN_UP_SECONDS = 3_600
_KEY_PENDING_DAYS = 7
_DELETED = "DELETE_COMPLETE"
_LIVE_KEYS = frozenset({"Enabled", "Disabled", "Creating", "Updating"})
_SAMPLE_ACTIONS = (
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "ssm:DeleteParameter",
    "ssm:GetParameters",
    "states:DeleteStateMachine",
    "states:DescribeStateMachine",
)
_LISTINGS = {
    "repository": ("codecommit", "list_repositories", "repositories", "repositoryName"),
    "image repository": ("ecr", "describe_repositories", "repositories", "repositoryName"),
    "function": ("lambda", "list_functions", "Functions", "FunctionName"),
    "state machine": ("stepfunctions", "list_state_machines", "stateMachines", "name"),
    "log group": ("logs", "describe_log_groups", "logGroups", "logGroupName"),
}
"""Kind -> the service, its paginated operation, the member with the list, and that with the name."""

Report = Callable[[str], None]


@dataclass
class CleanUp:
    """`keys` are the ARNs of the keys of the run, which have no name."""

    environment: Environment
    report: Report
    keys: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)

    def run(self) -> list[str]:
        """Delete everything, and return what is left, with the reasons."""
        environment = self.environment
        environment.budget_seconds = (
            environment.budget_seconds - environment.remaining_seconds + _CLEAN_UP_SECONDS
        )
        with self._noting("images"):
            self._delete_images()
        with self._noting("the account's role for logs of APIs"):
            self._reset_api_gateway()
        for stacks in self._stacks_in_order():
            self._delete_stacks(stacks)
        for delete in (
            self._delete_parameter,
            self._delete_buckets,
            self._delete_keys,
            self._delete_repository,
            self._delete_roles,
        ):
            with self._noting(delete.__name__.removeprefix("_delete_")):
                delete()
        return [*self.left(), *self.failures]

    @contextlib.contextmanager
    def _noting(self, what: str) -> Iterator[None]:
        """Record an error, so that the rest is deleted all the same."""
        try:
            yield
        except (ClientError, SteplineError) as error:
            self.failures.append(f"{what}: {error}")

    # ---------------------------------------------------------------- stacks

    def _stacks(self) -> list[dict[str, Any]]:
        prefix = self.environment.prefix
        pages = self.environment.client("cloudformation").get_paginator("describe_stacks").paginate()
        return [
            stack
            for page in pages
            for stack in page["Stacks"]
            if (stack["StackName"] == prefix or stack["StackName"].startswith(f"{prefix}-"))
            and "ParentId" not in stack
            and stack["StackStatus"] != _DELETED
        ]

    def _stacks_in_order(self) -> Iterator[list[dict[str, Any]]]:
        """Yield first the stacks that were deployed by others: those need the roles of the others."""
        found = self._stacks()
        for stack in found:
            self._record_keys(stack["StackName"])
        own = {
            self.environment.stack_name(name)
            for name in ("", "s3_trigger", "process", "batch", "workflow", "rollout")
        }
        yield [stack for stack in found if stack["StackName"] not in own]
        yield [stack for stack in found if stack["StackName"] in own]

    def _delete_stacks(self, stacks: list[dict[str, Any]]) -> None:
        cloudformation = self.environment.client("cloudformation")
        for stack in stacks:
            self.report(f"deleting the stack {stack['StackName']}")
            with self._noting(stack["StackName"]):
                cloudformation.delete_stack(StackName=stack["StackId"], **self._role_of(stack))
        for stack in stacks:
            with self._noting(stack["StackName"]):
                self._wait_until_deleted(stack)

    def _role_of(self, stack: dict[str, Any]) -> dict[str, str]:
        """Return the role that deletes the updater's sample: the updater's own role may only update it."""
        if stack["StackName"] != sample_stack(self.environment) or not stack.get("RoleARN"):
            return {}
        return {"RoleARN": self._create_owner_role()}

    def _wait_until_deleted(self, stack: dict[str, Any]) -> None:
        cloudformation = self.environment.client("cloudformation")

        def status() -> str | None:
            try:
                found = cloudformation.describe_stacks(StackName=stack["StackId"])["Stacks"][0]["StackStatus"]
            except ClientError as error:
                if "does not exist" in str(error):
                    return _DELETED
                raise
            return str(found) if found in {_DELETED, "DELETE_FAILED"} else None

        if self.environment.wait_for(status, f"the deletion of {stack['StackName']}") != _DELETED:
            raise StepFailedError(f"the stack {stack['StackName']} could not be deleted")

    def _create_owner_role(self) -> str:
        iam = self.environment.client("iam")
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "cloudformation.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        allow = {
            "Effect": "Allow",
            "Action": _SAMPLE_ACTIONS,
            "Resource": f"*{sample_stack(self.environment)}*",
        }
        name = self._owner_role
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))
        iam.put_role_policy(RoleName=name, PolicyName="delete-sample", PolicyDocument=_policy(allow))
        return str(iam.get_role(RoleName=name)["Role"]["Arn"])

    @property
    def _owner_role(self) -> str:
        return f"{self.environment.prefix}-owner"

    # ---------------------------------------------------------------- what stacks retain

    def _delete_parameter(self) -> None:
        self.environment.client("ssm").delete_parameters(Names=[switch_name(self.environment)])

    def _delete_images(self) -> None:
        stack = self.environment.stack_name("batch")
        if any(found["StackName"] == stack for found in self._stacks()):
            self.environment.stepline("image", "delete", "--all", "--yes", "--stack", stack)

    def _reset_api_gateway(self) -> None:
        """Remove the account's role for logs if it is that of this run."""
        gateway = self.environment.client("apigateway")
        role = gateway.get_account().get("cloudwatchRoleArn", "")
        if f"role/{self.environment.prefix}-" in role:
            change = {"op": "replace", "path": "/cloudwatchRoleArn", "value": ""}
            gateway.update_account(patchOperations=[change])

    def _record_keys(self, stack_name: str) -> None:
        cloudformation = self.environment.client("cloudformation")
        kms = self.environment.client("kms")
        for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_name):
            for resource in page["StackResourceSummaries"]:
                if resource["ResourceType"] == "AWS::KMS::Key" and resource.get("PhysicalResourceId"):
                    key = kms.describe_key(KeyId=resource["PhysicalResourceId"])
                    self.keys.add(key["KeyMetadata"]["Arn"])

    def _delete_buckets(self) -> None:
        for bucket in self._buckets():
            self.report(f"deleting the bucket {bucket}")
            self._record_key_of(bucket)
            self._empty(bucket)
            self.environment.client("s3").delete_bucket(Bucket=bucket)

    def _buckets(self) -> list[str]:
        buckets = self.environment.client("s3").list_buckets()["Buckets"]
        return [b["Name"] for b in buckets if b["Name"].startswith(f"{self.environment.prefix}-")]

    def _record_key_of(self, bucket: str) -> None:
        response = self.environment.client("s3").get_bucket_encryption(Bucket=bucket)
        for rule in response["ServerSideEncryptionConfiguration"]["Rules"]:
            key = rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID", "")
            if ":key/" in key:
                self.keys.add(key)

    def _empty(self, bucket: str) -> None:
        s3 = self.environment.client("s3")
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if found:
                objects = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]
                s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})

    def _delete_keys(self) -> None:
        for key in self._live_keys():
            self.report(f"scheduling the deletion of the key {key}")
            kms = self.environment.client("kms")
            kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=_KEY_PENDING_DAYS)

    def _live_keys(self) -> list[str]:
        kms = self.environment.client("kms")
        return [
            k for k in sorted(self.keys) if kms.describe_key(KeyId=k)["KeyMetadata"]["KeyState"] in _LIVE_KEYS
        ]

    def _delete_repository(self) -> None:
        name = f"{self.environment.prefix}-app"
        self.environment.client("codecommit").delete_repository(repositoryName=name)

    def _delete_roles(self) -> None:
        iam = self.environment.client("iam")
        for name in self._roles():
            self.report(f"deleting the role {name}")
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
                iam.delete_role_policy(RoleName=name, PolicyName=policy)
            for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
                iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
            iam.delete_role(RoleName=name)

    def _roles(self) -> list[str]:
        pages = self.environment.client("iam").get_paginator("list_roles").paginate()
        names = (role["RoleName"] for page in pages for role in page["Roles"])
        return [name for name in names if name.startswith(f"{self.environment.prefix}-")]

    # ---------------------------------------------------------------- what is left

    def left(self) -> list[str]:
        """Return what still exists, of the services in which a system creates something with a name."""
        prefix = self.environment.prefix
        own = {
            "stack": [stack["StackName"] for stack in self._stacks()],
            "bucket": self._buckets(),
            "key": self._live_keys(),
            "role": self._roles(),
        }
        listed = {
            kind: [name for name in self._list(*listing) if f"{prefix}-" in name or name == prefix]
            for kind, listing in _LISTINGS.items()
        }
        return [f"{kind} {name}" for kind, names in {**own, **listed}.items() for name in names]

    def _list(self, service: str, operation: str, result: str, name: str) -> list[str]:
        pages = self.environment.client(service).get_paginator(operation).paginate()
        return [item[name] for page in pages for item in page[result]]


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
