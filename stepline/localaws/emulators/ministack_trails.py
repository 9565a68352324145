"""Trails: what CreateTrail must refuse, and the CloudFormation type, which ministack lacks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import cloudtrail, s3
from ministack.services.cloudformation import provisioners

from stepline.localaws import service_policies
from stepline.localaws.emulators.ministack_cloudformation import Properties, Resource, _add_type, _refuse

_SERVICE = "cloudtrail.amazonaws.com"
_TYPE = "AWS::CloudTrail::Trail"
_ERROR = 400
_API_NAMES = {"TrailName": "Name", "KMSKeyId": "KmsKeyId"}
_NOT_OF_THE_TRAIL = frozenset({"IsLogging", "Tags", "EventSelectors", "AdvancedEventSelectors"})


def check_buckets() -> None:
    """Refuse a trail whose bucket's policy does not let CloudTrail in, as CreateTrail and UpdateTrail do."""
    for operation, original in (
        ("CreateTrail", cloudtrail._create_trail),
        ("UpdateTrail", cloudtrail._update_trail),
    ):
        cloudtrail._DISPATCH[operation] = _checked(original)


def _checked(original: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    def checked(body: dict[str, Any]) -> Any:
        bucket = body.get("S3BucketName")
        if bucket is not None:
            if bucket not in s3._buckets:
                message = f"S3 bucket {bucket} does not exist!"
                return cloudtrail._err("S3BucketDoesNotExistException", message)
            if not _may_write(bucket, body):
                message = f"Incorrect S3 bucket policy is detected for bucket: {bucket}"
                return cloudtrail._err("InsufficientS3BucketPolicyException", message)
        return original(body)

    return checked


def _may_write(bucket: str, body: Mapping[str, Any]) -> bool:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html"""
    arn = f"arn:aws:s3:::{bucket}"
    found = s3.bucket_policy_for_arn(arn)
    trail_arn = body["Name"] if body["Name"].startswith("arn:") else cloudtrail._trail_arn(body["Name"])
    prefix = f"{body['S3KeyPrefix']}/" if body.get("S3KeyPrefix") else ""
    account_id = trail_arn.split(":")[4]
    needs: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("s3:GetBucketAcl", arn, {}),
        (
            "s3:PutObject",
            f"{arn}/{prefix}AWSLogs/{account_id}/CloudTrail/file",
            {"s3:x-amz-acl": "bucket-owner-full-control"},
        ),
    )
    return all(
        service_policies.allows(
            found and found[0], _SERVICE, action, resource, source_arn=trail_arn, context=context
        )
        for action, resource, context in needs
    )


def add_trail_type() -> None:
    """AWS::CloudTrail::Trail, without insights.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudtrail-trail.html
    """

    def apply(name: str, properties: Properties) -> Resource:
        selectors = {
            key: properties[key] for key in ("EventSelectors", "AdvancedEventSelectors") if key in properties
        }
        if selectors:
            _call("PutEventSelectors", {"TrailName": name, **selectors})
        logging_wanted = str(properties.get("IsLogging", True)).lower() == "true"
        _call("StartLogging" if logging_wanted else "StopLogging", {"Name": name})
        return name, {"Arn": cloudtrail._trail_arn(name)}

    def create(logical_id: str, properties: Properties, stack_name: str) -> Resource:
        _refuse(_TYPE, properties, {"InsightSelectors"})
        name = properties.get("TrailName") or provisioners._physical_name(stack_name, logical_id)
        _call("CreateTrail", {**_request(properties), "Name": name})
        return apply(name, properties)

    def update(physical_id: str, _old: Properties, new: Properties, _stack_name: str) -> Resource:
        _refuse(_TYPE, new, {"InsightSelectors"})
        _call("UpdateTrail", {**_request(new), "Name": physical_id})
        return apply(physical_id, new)

    def delete(physical_id: str, _properties: Properties) -> None:
        _call("DeleteTrail", {"Name": physical_id})

    _add_type(_TYPE, create, update, delete, replacing=("TrailName",))


def _request(properties: Properties) -> dict[str, Any]:
    return {
        _API_NAMES.get(name, name): value
        for name, value in properties.items()
        if name not in _NOT_OF_THE_TRAIL
    }


def _call(operation: str, body: dict[str, Any]) -> None:
    """Raises ValueError, with CloudTrail's own words."""
    status, _, answer = cloudtrail._DISPATCH[operation](body)
    if status >= _ERROR:
        raise ValueError(f"{_TYPE}: {json.loads(answer)['message']}")
