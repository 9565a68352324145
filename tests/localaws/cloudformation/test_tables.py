"""AWS::DynamoDB::Table, and what a function may do with its items."""

from __future__ import annotations

import json
from typing import Any

from tests.localaws.cloudformation.deployments import Deployment, resources
from tests.localaws.cloudformation.functions import attribute, function, role, table
from tests.localaws.running_server import Server

OPERATIONS = """
import boto3, os
from botocore.exceptions import ClientError

def attempt(operation, **parameters):
    try:
        return operation(TableName=os.environ["TABLE"], **parameters)
    except ClientError as error:
        return error.response["Error"]["Code"]

def handler(event, context):
    db = boto3.client("dynamodb")
    key = {"id": {"S": "a"}, "part": {"S": "1"}}
    absent = {"ConditionExpression": "attribute_not_exists(id)"}
    first = attempt(db.put_item, Item={**key, "n": {"N": "1"}, "expires": {"N": "9999999999"}}, **absent)
    if isinstance(first, str):
        return [first]
    return [
        "put",
        attempt(db.put_item, Item=key, **absent),
        attempt(
            db.update_item, Key=key, UpdateExpression="SET n = if_not_exists(n, :zero) + :one, #s = :held",
            ConditionExpression="n = :one", ExpressionAttributeNames={"#s": "state"},
            ExpressionAttributeValues={":one": {"N": "1"}, ":zero": {"N": "0"}, ":held": {"S": "held"}},
            ReturnValues="ALL_NEW",
        )["Attributes"],
        attempt(
            db.update_item, Key=key, UpdateExpression="SET n = :one", ConditionExpression="n = :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        ),
        attempt(
            db.query, KeyConditionExpression="id = :id", ExpressionAttributeValues={":id": {"S": "a"}}
        )["Count"],
        attempt(
            db.scan, FilterExpression="n = :two", ExpressionAttributeValues={":two": {"N": "2"}}
        )["Count"],
        attempt(db.get_item, Key=key, ConsistentRead=True)["Item"]["state"]["S"],
        attempt(
            db.delete_item, Key=key, ConditionExpression="attribute_not_exists(part)"
        ),
        attempt(db.delete_item, Key=key, ReturnValues="ALL_OLD")["Attributes"]["n"]["N"],
        "Item" in attempt(db.get_item, Key=key),
    ]
"""
EXPECTED = [
    "put",
    "ConditionalCheckFailedException",
    {
        "id": {"S": "a"},
        "part": {"S": "1"},
        "n": {"N": "2"},
        "expires": {"N": "9999999999"},
        "state": {"S": "held"},
    },
    "ConditionalCheckFailedException",
    1,
    1,
    "held",
    "ConditionalCheckFailedException",
    "2",
    False,
]
"""What the function returns that may use the table."""


def test_table_is_used_by_the_function_whose_role_names_it(server: Server, deployment: Deployment) -> None:
    names = ("PutItem", "UpdateItem", "DeleteItem", "GetItem", "Query", "Scan")
    actions = [f"dynamodb:{name}" for name in names]
    deployment.create(
        resources(
            Table=table("id", "part"),
            Other=table("id"),
            AllowedRole=role("lambda", {"Action": actions, "Resource": attribute("Table")}),
            DeniedRole=role("lambda", {"Action": actions, "Resource": attribute("Other")}),
            Allowed=function(OPERATIONS, "AllowedRole"),
            Denied=function(OPERATIONS, "DeniedRole"),
        )
    )
    ids = deployment.physical_ids()

    def result(name: str) -> Any:
        return json.load(server.client("lambda").invoke(FunctionName=ids[name])["Payload"])

    assert result("Denied") == ["AccessDeniedException"]
    assert result("Allowed") == EXPECTED
    described = server.client("dynamodb").describe_time_to_live(TableName=ids["Table"])
    assert described["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
