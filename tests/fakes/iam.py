"""The fake IAM: it knows which actions a role may perform on all resources."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from stepline.localaws.protocol import Params
from tests.fakes.service import FakeService


@dataclass(eq=False)
class FakeIam(FakeService):
    """`allowed`: the actions of every role."""

    service_name: ClassVar[str] = "iam"
    allowed: set[str] = field(default_factory=set)

    def simulate_principal_policy(
        self, *, PolicySourceArn: str, ActionNames: list[str], **_more: Any
    ) -> Params:
        assert PolicySourceArn.startswith("arn:"), PolicySourceArn
        return {"EvaluationResults": [self._result(name) for name in ActionNames], "IsTruncated": False}

    def _result(self, action: str) -> Params:
        decision = "allowed" if action in self.allowed else "implicitDeny"
        return {"EvalActionName": action, "EvalResourceName": "*", "EvalDecision": decision}
