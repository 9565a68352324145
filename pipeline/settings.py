"""What the function's environment says, checked once at the cold start.

| variable                     | meaning                                                              |
|------------------------------|----------------------------------------------------------------------|
| `STATE_MACHINE_ARN`          | the default state machine; required                                  |
| `ALLOWED_STATE_MACHINE_ARNS` | others that UserParameters may name, comma-separated; default: none  |
| `SHOW_PROGRESS`              | `true` (default) or `false`: tell the state it is in while it runs;  |
|                              | costs one GetExecutionHistory per poll                               |
| `EXPRESS_CLAIMS_BUCKET`      | bucket that remembers which jobs have started an Express machine;    |
|                              | without it Express machines are refused                              |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.errors import UserParametersError
from stepline.core.errors import SettingsError
from stepline.core.executions.arns import ExecutionArn, MachineArn
from stepline.core.text import quoted

STATE_MACHINE_ARN = "STATE_MACHINE_ARN"
ALLOWED_STATE_MACHINE_ARNS = "ALLOWED_STATE_MACHINE_ARNS"
SHOW_PROGRESS = "SHOW_PROGRESS"
EXPRESS_CLAIMS_BUCKET = "EXPRESS_CLAIMS_BUCKET"

_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True)
class Settings:
    default_machine: MachineArn
    allowed_machines: tuple[MachineArn, ...] = ()
    show_progress: bool = True
    express_claims_bucket: str | None = None

    @property
    def machines(self) -> tuple[MachineArn, ...]:
        """All that may be started, the default one first."""
        return (self.default_machine, *(arn for arn in self.allowed_machines if arn != self.default_machine))

    def machine(self, name_or_arn: str | None) -> MachineArn:
        """The machine that UserParameters name. Raises `UserParametersError` if it is not on the list."""
        if name_or_arn is None:
            return self.default_machine
        exact = [arn for arn in self.machines if str(arn) == name_or_arn]
        found = exact or [arn for arn in self.machines if name_or_arn in {arn.name, arn.qualified_name}]
        if len(found) == 1:
            return found[0]
        if found:
            raise UserParametersError(
                f"stateMachine {quoted(name_or_arn)} may mean {len(found)} state machines; give the ARN."
            )
        raise UserParametersError(
            f"stateMachine {quoted(name_or_arn)} is not on the function's list of state machines:"
            f" {', '.join(arn.qualified_name for arn in self.machines)}."
            f" Add its ARN to {ALLOWED_STATE_MACHINE_ARNS}."
        )

    def allows(self, execution: ExecutionArn) -> bool:
        return any(execution.belongs_to(machine) for machine in self.machines)


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Raises `SettingsError` that names the variable."""
    return Settings(
        default_machine=_machine(STATE_MACHINE_ARN, environment.get(STATE_MACHINE_ARN, "").strip()),
        allowed_machines=tuple(
            _machine(ALLOWED_STATE_MACHINE_ARNS, item.strip())
            for item in environment.get(ALLOWED_STATE_MACHINE_ARNS, "").split(",")
            if item.strip()
        ),
        show_progress=_boolean(SHOW_PROGRESS, environment.get(SHOW_PROGRESS, "").strip() or "true"),
        express_claims_bucket=environment.get(EXPRESS_CLAIMS_BUCKET, "").strip() or None,
    )


def _machine(variable: str, text: str) -> MachineArn:
    if not text:
        raise SettingsError(f"The trigger function's environment variable {variable} is not set.")
    arn = MachineArn.parse(text)
    if arn is None:
        raise SettingsError(
            f"The trigger function's environment variable {variable} holds {quoted(text)}, which is not the"
            " ARN of a state machine."
        )
    return arn


def _boolean(variable: str, text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise SettingsError(
            f"The trigger function's environment variable {variable} is {quoted(text)}, not true or false."
        ) from None
