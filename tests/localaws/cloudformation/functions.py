"""Resources of templates with functions: roles, tables, and the functions themselves."""

from __future__ import annotations

from typing import Any


def role(service: str, *statements: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    trust = {
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    }
    document = {"Statement": [{"Effect": "Allow", **statement} for statement in statements]}
    policies = [{"PolicyName": "p", "PolicyDocument": document}] if statements else []
    return "AWS::IAM::Role", {"AssumeRolePolicyDocument": trust, "Policies": policies}


def attribute(name: str, attribute_name: str = "Arn") -> dict[str, Any]:
    return {"Fn::GetAtt": [name, attribute_name]}


def table(*keys: str) -> tuple[str, dict[str, Any]]:
    return "AWS::DynamoDB::Table", {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in keys],
        "KeySchema": [
            {"AttributeName": name, "KeyType": kind}
            for name, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
        "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
    }


def function(code: str, role_name: str, table_name: str = "Table") -> tuple[str, dict[str, Any]]:
    return "AWS::Lambda::Function", {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": attribute(role_name),
        "Code": {"ZipFile": code},
        "Timeout": 30,
        "Environment": {"Variables": {"TABLE": {"Ref": table_name}}},
    }
