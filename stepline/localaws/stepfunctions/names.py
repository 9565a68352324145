"""ARNs of state machines and executions."""

from __future__ import annotations

from dataclasses import dataclass

from stepline.core.executions.arns import MachineArn


def split_qualifier(arn: str) -> tuple[str, str | None]:
    """Return the ARN of a state machine, and the version or alias that the ARN names."""
    machine = MachineArn.parse(arn)
    return (arn, None) if machine is None else (machine.base, machine.qualifier)


@dataclass(frozen=True)
class Arns:
    """The ARNs of one account and region."""

    account_id: str
    region: str

    def machine(self, name: str) -> str:
        return f"{self._prefix}:stateMachine:{name}"

    def activity(self, name: str) -> str:
        return f"{self._prefix}:activity:{name}"

    def execution(self, machine_name: str, name: str) -> str:
        return f"{self._prefix}:execution:{machine_name}:{name}"

    def express_execution(self, machine_name: str, name: str, unique_id: str) -> str:
        return f"{self._prefix}:express:{machine_name}:{name}:{unique_id}"

    @property
    def _prefix(self) -> str:
        return f"arn:aws:states:{self.region}:{self.account_id}"
