"""The AWS services that CodePipeline itself calls, as boto3 clients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stepline.localaws.codepipeline.builds import Builds
from stepline.localaws.iam import Actor


@dataclass(frozen=True, kw_only=True)
class ServiceClients:
    """boto3 clients, or objects with the methods named here.

    `s3`: put_object (artifacts), and what the S3 source calls. `sts`: assume_role (artifact credentials).
    `lambda_`: invoke, synchronously: the local CodePipeline does the work of Lambda's event queue and must
    see whether the function failed. A boto3 client needs a read time-out above the functions' own, and
    `retries={"total_max_attempts": 1}`, or boto3 would send events again. `on_dropped_event` is called with
    the function of an event that Lambda gives up. `sns`: publish (approvals). `client` returns a client of
    any other service, by its name and a region, `builds` starts builds; None: actions that need one do not
    run. `can_assume` returns whether CodePipeline, or the role `via` of the actor, may assume the actor's
    role.
    """

    s3: Any
    sts: Any
    lambda_: Any
    on_dropped_event: Callable[[str], object] = lambda _function_name: None
    sns: Any = None
    client: Callable[[str, str], Any] | None = None
    builds: Builds | None = None
    can_assume: Callable[[Actor], bool] = lambda _actor: True
