"""The AWS services that CodePipeline itself calls, as boto3 clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


class Clients(Protocol):
    """boto3-shaped clients; only the methods named here are used.

    `s3`: put_object (artifacts). `sts`: assume_role (artifact credentials).
    `lambda_`: invoke, synchronously, because CodePipeline's stand-in does what Lambda's queue does on
    AWS: it must see whether the function failed to run the same event again. A real boto3 client
    needs a read time-out above the functions' own, and `retries={"total_max_attempts": 1}`, or boto3
    would deliver events again by itself.
    """

    @property
    def s3(self) -> Any: ...

    @property
    def sts(self) -> Any: ...

    @property
    def lambda_(self) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class ServiceClients:
    """`Clients` made of three clients at hand."""

    s3: Any
    sts: Any
    lambda_: Any
