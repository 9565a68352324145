"""What the functions work with: the data store and Step Functions, under the function's role."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from statemachines import clients
from statemachines.process import settings
from statemachines.process.data import DataStore

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


def data_store() -> DataStore:
    return DataStore(clients.client("s3"), settings.data_bucket())


def stepfunctions() -> SFNClient:
    return cast("SFNClient", clients.client("stepfunctions"))
