"""What ministack's CloudFormation and IAM lack."""

from __future__ import annotations

import inspect
from typing import Any

from ministack.core.iam_evaluator import _resolve_managed_policy_document
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

from stepline.localaws.emulators.ministack import managed_policies

_POLICY = "arn:aws:iam::aws:policy/AmazonSSMFullAccess"
_ACCOUNT = "000000000000"


async def facts() -> dict[str, Any]:
    template = {"Resources": {"R": {"Type": "T", "Properties": {"Fn::Transform": {"Name": "M"}}}}}
    unresolved = {"Resources": {"A": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "B"}}}}}
    joined = {"Conditions": {"Blank": {"Fn::Equals": [{"Fn::Join": ["", ["", ""]]}, ""]}}}
    before = _resolve_managed_policy_document(_POLICY, _ACCOUNT)
    managed_policies.add_managed_policies()
    return {
        "macro type": "AWS::CloudFormation::Macro" in provisioners._RESOURCE_HANDLERS,
        "expanded": handlers._apply_transforms(template),
        "modules with roles": [
            module.__name__ for module in (changesets, stacks) if "RoleARN" in inspect.getsource(module)
        ],
        "unresolved reference": engine.validate_template_support(unresolved, {}),
        "condition with a function": engine._evaluate_conditions(joined, {}),
        "requires capabilities": handlers._capabilities_enforced(),
        "types with checked values": list(provisioners._PROPERTY_ENUMS),
        "managed policy": before,
        "patched policy": _resolve_managed_policy_document(_POLICY, _ACCOUNT),
        "no policy": _resolve_managed_policy_document(_POLICY + "s", _ACCOUNT),
    }
