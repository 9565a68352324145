"""Decides by a resource's own policy whether an AWS service may access it.

A service that acts without a role (EventBridge invoking a function, CloudTrail writing its files) is no IAM
principal: only the policy of the resource can allow it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepline.localaws.iam import Caller
from stepline.localaws.iam.evaluation import Policies, decide
from stepline.localaws.iam.policy import Request, parse


def allows(
    policy: str | Mapping[str, Any] | None,
    service: str,
    action: str,
    resource: str,
    *,
    source_arn: str,
    context: Mapping[str, str] | None = None,
) -> bool:
    """Whether `policy` (None: no policy) lets `service` (`events.amazonaws.com`) act for `source_arn`."""
    account_id = source_arn.split(":")[4]
    request = Request(
        caller=Caller(arn=service, account_id=account_id, service=service),
        action=action,
        resource=resource,
        context={
            "aws:sourcearn": source_arn,
            "aws:sourceaccount": account_id,
            "aws:securetransport": "true",
            **(context or {}),
        },
    )
    statements = parse(policy, policy=f"policy of {resource}") if policy else ()
    return decide(request, Policies(resource=statements)).allowed
