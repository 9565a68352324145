"""Records which statements allowed requests, and what was denied, to find unnecessary permissions."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

from stepline.localaws.iam.evaluation import Decision, Grant
from stepline.localaws.iam.policy import Request

_KEPT_DENIALS = 1000
_TRUST = Grant(policy="trust policy", statement=0, action="sts:AssumeRole", resource="")


@dataclass(frozen=True)
class Denial:
    """A denied request, and AWS's message."""

    role: str
    action: str
    resource: str
    message: str


class PermissionRecord:
    """For each role: how many requests an action of a statement allowed, and how many it alone allowed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._allowed: Counter[tuple[str, Grant]] = Counter()
        self._alone: Counter[tuple[str, Grant]] = Counter()
        self._denials: deque[Denial] = deque(maxlen=_KEPT_DENIALS)

    def add_allowed(self, request: Request, decision: Decision) -> None:
        role = request.caller.role_name
        with self._lock:
            self._allowed.update((role, grant) for grant in decision.grants)
            if decision.sole_grant:
                self._alone[role, decision.sole_grant] += 1

    def add_assumed(self, role: str) -> None:
        """Count an assumption of the role, which its trust policy alone allows."""
        with self._lock:
            self._allowed[role, _TRUST] += 1
            self._alone[role, _TRUST] += 1

    def add_denied(self, request: Request, message: str) -> None:
        denial = Denial(request.caller.role_name, request.action, request.resource, message)
        with self._lock:
            self._denials.append(denial)

    def clear(self) -> None:
        with self._lock:
            self._allowed.clear()
            self._alone.clear()
            self._denials.clear()

    def to_json(self) -> dict[str, Any]:
        """`{"grants": [{role, policy, statement, action, resource, allowed, alone}], "denials": […]}`."""
        with self._lock:
            grants = [
                {"role": role, **asdict(grant), "allowed": count, "alone": self._alone[role, grant]}
                for (role, grant), count in self._allowed.items()
            ]
            return {"grants": grants, "denials": [asdict(denial) for denial in self._denials]}
