"""STS in memory: a new session for each AssumeRole, and one caller, whose signature is not verified."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

from stepline.localaws.clock import VirtualClock
from stepline.localaws.protocol import Params
from tests.fakes.service import FakeService

SECRETS = ("SESSION-SECRET-KEY", "SESSION-TOKEN")
"""The beginnings of the secret keys and tokens of all sessions."""


@dataclass(eq=False)
class FakeSts(FakeService):
    service_name: ClassVar[str] = "sts"
    clock: VirtualClock = field(default_factory=VirtualClock)
    caller: str = "arn:aws:iam::000000000000:user/mary"
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def assume_role(self, **_params: Any) -> Params:
        number = next(self._numbers)
        secret, token = (f"{text}-{number}" for text in SECRETS)
        credentials = {"AccessKeyId": f"ASIA{number}", "SecretAccessKey": secret, "SessionToken": token}
        return {"Credentials": {**credentials, "Expiration": self.clock.now() + timedelta(hours=1)}}

    def get_caller_identity(self) -> Params:
        return {"Arn": self.caller, "Account": "000000000000", "UserId": "AIDAMARY"}
