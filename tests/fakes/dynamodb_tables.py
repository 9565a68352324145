"""DynamoDB in memory: moto's tables, which evaluate conditions and updates as DynamoDB does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from moto.core.exceptions import JsonRESTError
from moto.dynamodb.models import DynamoDBBackend

from stepline.core.local_aws import ACCOUNT_ID, DEFAULT_REGION
from stepline.localaws.protocol import AwsError, Params
from tests.fakes.service import FakeService

_NO_ITEM: dict[str, Any] = {}


@dataclass(eq=False)
class FakeDynamoDbTables(FakeService):
    """Tables with one key of text. `items` returns them for assertions."""

    service_name: ClassVar[str] = "dynamodb"
    tables: Sequence[tuple[str, str]] = ()
    _backend: DynamoDBBackend = field(default_factory=lambda: DynamoDBBackend(DEFAULT_REGION, ACCOUNT_ID))

    def __post_init__(self) -> None:
        for name, key in self.tables:
            self._backend.create_table(
                name,
                schema=[{"AttributeName": key, "KeyType": "HASH"}],
                throughput=None,
                attr=[{"AttributeName": key, "AttributeType": "S"}],
                global_indexes=[],
                indexes=[],
                streams=None,
                billing_mode="PAY_PER_REQUEST",
                sse_specification=None,
                tags=[],
                deletion_protection_enabled=False,
                warm_throughput=None,
            )

    def items(self, table: str) -> list[Params]:
        return [item.to_json()["Attributes"] for item in self._backend.get_table(table).all_items()]

    def get_item(self, *, TableName: str, Key: Params, ConsistentRead: bool = False) -> Params:
        assert ConsistentRead, "an older answer may follow a newer one"
        item = self._backend.get_item(TableName, dict(Key))
        return {"Item": item.to_json()["Attributes"]} if item else {}

    def update_item(
        self,
        *,
        TableName: str,
        Key: Params,
        UpdateExpression: str,
        ExpressionAttributeNames: Params | None = None,
        ExpressionAttributeValues: Params | None = None,
        ConditionExpression: str | None = None,
    ) -> None:
        try:
            self._backend.update_item(
                TableName,
                dict(Key),
                UpdateExpression,
                dict(ExpressionAttributeNames or _NO_ITEM),
                dict(ExpressionAttributeValues or _NO_ITEM),
                condition_expression=ConditionExpression,
            )
        except JsonRESTError as error:
            code = str(error.error_type).rpartition("#")[2]
            raise AwsError(str(error.message), code=code) from error
