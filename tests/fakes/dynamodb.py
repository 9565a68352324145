"""DynamoDB in memory: the emulator's tables, which evaluate the expressions."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import Any, ClassVar

from botocore.model import OperationModel
from ministack.services import dynamodb

from stepline.localaws.protocol import AwsError, Params
from tests.fakes.service import FakeService

_numbers = itertools.count()


@dataclass(eq=False)
class FakeDynamoDb(FakeService):
    """One table with the key `firstJob`; its name is the only one."""

    service_name: ClassVar[str] = "dynamodb"
    table: str = field(default_factory=lambda: f"open-jobs-{next(_numbers)}")

    def __post_init__(self) -> None:
        self._call(
            "create_table",
            {
                "TableName": self.table,
                "KeySchema": [{"AttributeName": "firstJob", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "firstJob", "AttributeType": "S"}],
                "BillingMode": "PAY_PER_REQUEST",
            },
        )

    @property
    def items(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._call("scan", {"TableName": self.table})["Items"]
        return found

    def close(self) -> None:
        self._call("delete_table", {"TableName": self.table})

    def _respond(self, operation: OperationModel, document: Any) -> Params:
        names = {"UpdateItem": "update_item", "DeleteItem": "delete_item", "Scan": "scan"}
        return self._call(names[operation.name], document)

    def _call(self, name: str, params: Any) -> Params:
        status, _headers, body = getattr(dynamodb, f"_{name}")(params)
        answer: Params = json.loads(body)
        if status != 200:
            code = str(answer["__type"]).rpartition("#")[2]
            raise AwsError(str(answer.get("message", "")), code=code, status=status)
        return answer
