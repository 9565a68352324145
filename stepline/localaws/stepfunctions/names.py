"""Names and ARNs of state machines and executions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stepline.localaws.stepfunctions import errors

_MAX_NAME_CHARACTERS = 80
_FORBIDDEN = re.compile(r"""[\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]""")
"""White space, brackets, wildcards, special and control characters [StartExecution, `name`]."""


def check_name(name: str) -> str:
    """The name, if a state machine or execution may be called that. Raises InvalidName."""
    if not 1 <= len(name) <= _MAX_NAME_CHARACTERS or _FORBIDDEN.search(name):
        raise errors.invalid_name(name)
    return name


@dataclass(frozen=True)
class Arns:
    """The ARNs of one account and region."""

    account_id: str
    region: str

    def machine(self, name: str) -> str:
        return f"{self._prefix}:stateMachine:{name}"

    def execution(self, machine_name: str, name: str) -> str:
        return f"{self._prefix}:execution:{machine_name}:{name}"

    def express_execution(self, machine_name: str, name: str, run_id: str) -> str:
        return f"{self._prefix}:express:{machine_name}:{name}:{run_id}"

    @property
    def _prefix(self) -> str:
        return f"arn:aws:states:{self.region}:{self.account_id}"


def check_arn(arn: str, resource_type: str) -> str:
    """The ARN, if it is one of Step Functions and of that type. Raises InvalidArn."""
    parts = arn.split(":", 6)
    if parts[0] != "arn" or len(parts) < 7:
        raise errors.invalid_arn(f"Invalid ARN prefix: {arn}")
    if parts[2] != "states":
        raise errors.invalid_arn(f"Invalid ARN service: {parts[2]}")
    if parts[5] != resource_type:
        raise errors.wrong_resource_type(parts[5])
    return arn
