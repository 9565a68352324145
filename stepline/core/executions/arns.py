"""ARNs of state machines and executions, and links to a console.

Source: "Resource types defined by AWS Step Functions" in the Service Authorization Reference.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import quote

from stepline.core.local_aws import CONSOLE_URL_VARIABLE

_MACHINE = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):states:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12})"
    r":stateMachine:(?P<name>[^:\s]{1,80})(?::(?P<qualifier>[^:\s]{1,80}))?"
)
_EXECUTION = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):states:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12})"
    r":(?P<kind>execution|express):(?P<machine>[^:\s]{1,80}):(?P<name>[^:\s]{1,80})(?::[^:\s]{1,80})?"
)
_CONSOLES = {
    "aws": "https://{region}.console.aws.amazon.com",
    "aws-cn": "https://{region}.console.amazonaws.cn",
    "aws-us-gov": "https://console.amazonaws-us-gov.com",
}


def console_address(partition: str, region: str) -> str | None:
    """Return the address of AWS's console in a region; None if that of the partition is unknown."""
    console = _CONSOLES.get(partition)
    return console.format(region=region) if console else None


@dataclass(frozen=True)
class MachineArn:
    """The ARN of a state machine, or of one of its versions or aliases (`qualifier`)."""

    partition: str
    region: str
    account: str
    name: str
    qualifier: str | None = None

    @classmethod
    def parse(cls, text: str) -> MachineArn | None:
        """Return None if `text` is not the ARN of a state machine."""
        match = _MACHINE.fullmatch(text)
        return cls(**match.groupdict()) if match else None

    @property
    def base(self) -> str:
        """The state machine's ARN without version or alias."""
        return f"arn:{self.partition}:states:{self.region}:{self.account}:stateMachine:{self.name}"

    def __str__(self) -> str:
        return self.base if self.qualifier is None else f"{self.base}:{self.qualifier}"

    @property
    def qualified_name(self) -> str:
        return self.name if self.qualifier is None else f"{self.name}:{self.qualifier}"

    def execution(self, name: str) -> ExecutionArn:
        """Return the ARN of the Standard execution `name` of this state machine, whether it exists or not."""
        return ExecutionArn(self.partition, self.region, self.account, "execution", self.name, name)


@dataclass(frozen=True)
class ExecutionArn:
    """The ARN of an execution; `kind` is `execution` (Standard) or `express`."""

    partition: str
    region: str
    account: str
    kind: str
    machine: str
    name: str
    text: str = ""  # as AWS wrote it: Express ARNs end in an id that no other field holds

    @classmethod
    def parse(cls, text: str) -> ExecutionArn | None:
        """Return None if `text` is not the ARN of an execution."""
        match = _EXECUTION.fullmatch(text)
        return cls(**match.groupdict(), text=text) if match else None

    def __str__(self) -> str:
        if self.text:
            return self.text
        prefix = f"arn:{self.partition}:states:{self.region}:{self.account}"
        return f"{prefix}:{self.kind}:{self.machine}:{self.name}"

    @property
    def is_express(self) -> bool:
        """Whether it is an Express execution, which has no history and cannot be described."""
        return self.kind == "express"

    def belongs_to(self, machine: MachineArn) -> bool:
        own = (self.partition, self.region, self.account, self.machine)
        return own == (machine.partition, machine.region, machine.account, machine.name)

    @property
    def link(self) -> str:
        """The URL of the execution in AWS's console; its ARN if the partition's console is unknown.

        On a local AWS that has a console of its own, it is the URL there.
        """
        if local_console := os.environ.get(CONSOLE_URL_VARIABLE):
            return f"{local_console}executions/{quote(str(self), safe=':-_')}"
        console = console_address(self.partition, self.region)
        if console is None:
            return str(self)
        page = "express-executions" if self.is_express else "v2/executions"
        home = f"{console}/states/home?region={self.region}"
        return f"{home}#/{page}/details/{quote(str(self), safe=':-_')}"
