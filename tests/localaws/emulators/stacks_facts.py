"""Print, as JSON, what ministack's CloudFormation and IAM lack."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

from stepline.localaws.emulators.ministack import application

_POLICY = "arn:aws:iam::aws:policy/AmazonSSMFullAccess"


def facts(directory: Path) -> dict[str, Any]:
    application.load(port=4566, directory=directory, region="us-east-1", account_id="000000000000")
    from ministack.core import iam_evaluator  # noqa: PLC0415
    from ministack.services.cloudformation import changesets, handlers, provisioners, stacks  # noqa: PLC0415

    from stepline.localaws.emulators.ministack import managed_policies  # noqa: PLC0415

    template = {"Resources": {"R": {"Type": "T", "Properties": {"Fn::Transform": {"Name": "M"}}}}}
    before = iam_evaluator._resolve_managed_policy_document(_POLICY, "000000000000")
    managed_policies.add_managed_policies()
    return {
        "macro type": "AWS::CloudFormation::Macro" in provisioners._RESOURCE_HANDLERS,
        "expanded": handlers._apply_transforms(template),
        "modules with roles": [
            module.__name__ for module in (changesets, stacks) if "RoleARN" in inspect.getsource(module)
        ],
        "managed policy": before,
        "mended policy": iam_evaluator._resolve_managed_policy_document(_POLICY, "000000000000"),
        "no policy": iam_evaluator._resolve_managed_policy_document(_POLICY + "s", "000000000000"),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(facts(Path(sys.argv[1]))))
