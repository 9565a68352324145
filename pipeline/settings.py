"""The settings of the trigger and of the worker, read from the function's environment at the cold start.

| variable                     | meaning                                                                 |
|------------------------------|-------------------------------------------------------------------------|
| `STATE_MACHINE_ARN`          | the default state machine; required                                     |
| `ALLOWED_STATE_MACHINE_ARNS` | others that an action may name, comma-separated; default: none          |
| `SHOW_PROGRESS`              | `true` (default) or `false`: show the current state of the execution;   |
|                              | needs one GetExecutionHistory per poll                                  |
| `EXPRESS_CLAIMS_BUCKET`      | bucket that records which jobs have started an Express execution;       |
|                              | without it Express state machines are refused                           |
| `LARGE_DATA_BUCKET`          | bucket with versioning for inputs and outputs above 256 KB; without it  |
|                              | such inputs are refused                                                 |
| `HOLD_MINUTES`               | 0 (default) to 12, of the trigger: so long a job is held open for the   |
|                              | end of its execution; at 0 each job polls once                          |
| `OPEN_JOBS_TABLE`            | DynamoDB table of the jobs that are held; required then                 |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline import limits
from pipeline.errors import ActionParametersError
from stepline.core import environment as variables
from stepline.core.executions.arns import ExecutionArn, MachineArn
from stepline.core.text import quoted

STATE_MACHINE_ARN = "STATE_MACHINE_ARN"
ALLOWED_STATE_MACHINE_ARNS = "ALLOWED_STATE_MACHINE_ARNS"
SHOW_PROGRESS = "SHOW_PROGRESS"
EXPRESS_CLAIMS_BUCKET = "EXPRESS_CLAIMS_BUCKET"
LARGE_DATA_BUCKET = "LARGE_DATA_BUCKET"
HOLD_MINUTES = "HOLD_MINUTES"
OPEN_JOBS_TABLE = "OPEN_JOBS_TABLE"


@dataclass(frozen=True)
class Settings:
    default_machine: MachineArn
    allowed_machines: tuple[MachineArn, ...] = ()
    show_progress: bool = True
    express_claims_bucket: str | None = None
    large_data_bucket: str | None = None
    hold_seconds: int = 0
    open_jobs_table: str = ""

    @property
    def machines(self) -> tuple[MachineArn, ...]:
        """All state machines that may be started, the default one first."""
        return (self.default_machine, *(arn for arn in self.allowed_machines if arn != self.default_machine))

    def machine(self, name_or_arn: str | None) -> MachineArn:
        """Return the state machine of an action. Raise `ActionParametersError` if it is not allowed."""
        if name_or_arn is None:
            return self.default_machine
        exact = [arn for arn in self.machines if str(arn) == name_or_arn]
        found = exact or [arn for arn in self.machines if name_or_arn in {arn.name, arn.qualified_name}]
        found = found or self._version_or_alias(name_or_arn)
        if len(found) == 1:
            return found[0]
        if found:
            raise ActionParametersError(
                f"The state machine {quoted(name_or_arn)} matches {len(found)} state machines; use the ARN."
            )
        raise ActionParametersError(
            f"The state machine {quoted(name_or_arn)} is not on the function's list of state machines:"
            f" {', '.join(arn.qualified_name for arn in self.machines)}. Add its ARN to the parameter"
            f" OtherStateMachineArns of the stack, which sets {ALLOWED_STATE_MACHINE_ARNS}."
        )

    def _version_or_alias(self, name_or_arn: str) -> list[MachineArn]:
        """Return the version or alias, if it belongs to a state machine that is allowed without qualifier.

        IAM authorizes both by the ARN of the state machine
        [https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html].
        """
        machine, _, qualifier = name_or_arn.rpartition(":")
        found = [
            MachineArn.parse(f"{arn}:{qualifier}")
            for arn in self.allowed_machines
            if arn.qualifier is None and machine in {arn.name, arn.base}
        ]
        return [arn for arn in found if arn is not None]

    def allows(self, execution: ExecutionArn) -> bool:
        """Return whether the execution's state machine may be started."""
        return any(execution.belongs_to(machine) for machine in self.machines)


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings. Raise `SettingsError`, naming the variable."""
    hold_minutes = _hold_minutes(environment)
    return Settings(
        default_machine=variables.machine(STATE_MACHINE_ARN, environment),
        allowed_machines=variables.machines(ALLOWED_STATE_MACHINE_ARNS, environment),
        show_progress=variables.boolean(SHOW_PROGRESS, environment, default=True),
        express_claims_bucket=variables.optional(EXPRESS_CLAIMS_BUCKET, environment) or None,
        large_data_bucket=variables.optional(LARGE_DATA_BUCKET, environment) or None,
        hold_seconds=hold_minutes * 60,
        open_jobs_table=variables.required(OPEN_JOBS_TABLE, environment) if hold_minutes else "",
    )


def _hold_minutes(environment: Mapping[str, str]) -> int:
    if variables.optional(HOLD_MINUTES, environment) == "0":
        return 0
    return variables.number(HOLD_MINUTES, limits.MAX_HOLD_MINUTES, environment, default=0)
