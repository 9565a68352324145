"""Patches the items of distributed Map states: moto reads fewer formats, and groups no items in batches."""

from __future__ import annotations

import csv
import functools
import io
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map import state_map
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader import item_reader_decl
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from stepline.core.limits import MAX_INPUT_BYTES
from stepline.localaws.emulators.moto.failures import map_run_failure
from stepline.localaws.emulators.moto.paths import extract
from stepline.localaws.groups import grouped

_DELIMITERS: Final = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
_FIELDS_OF_OBJECTS: Final = {"ETag": "Etag", "Key": "Key", "LastModified": "LastModified", "Size": "Size"}
"""boto3's name -> Step Functions' name [guide, "ItemReader (Map)"]."""


class ItemReaderError(Exception):
    """The items cannot be read. The text is the cause."""


def read_items() -> None:
    """Read items of all formats of AWS, and fail with States.ItemReaderFailed.

    moto reads neither JSON Lines nor other delimiters than commas, and needs the `InputType`.
    """

    def evaluate(self: Any, env: Any) -> None:
        limit = None
        if self.reader_config:
            self.reader_config.max_items_decl.eval(env=env)
            limit = env.stack.pop()
        parameters = {}
        if self.parargs:
            self.parargs.eval(env=env)
            parameters = env.stack.pop()
        client = boto_client.boto_client_for(service="s3", region="", state_credentials=None)
        try:
            items = _read(client, self.resource.api_action, parameters, self.declared.get("ReaderConfig", {}))
        except ItemReaderError as error:
            raise _failure(env, str(error)) from error
        except ClientError as error:
            raise _failure(env, _cause(error)) from error
        except BotoCoreError as error:
            raise _failure(env, str(error)) from error
        env.stack.append(items[:limit])

    item_reader_decl.ItemReader._eval_body = evaluate


def describe_input_that_is_not_a_list() -> None:
    """Quote the input in the error of a Map state; moto names its Python type."""
    state_map.type = functools.partial(to_json_str, separators=(",", ":"))


def batches(items: list[Any], batcher: Mapping[str, Any], state_input: Any) -> list[Any]:
    """Return the inputs of child executions, `{"Items": [...], "BatchInput": ...}` [guide, "ItemBatcher"]."""
    extra = {"BatchInput": batcher["BatchInput"]} if "BatchInput" in batcher else {}
    max_items = _limit(batcher, "MaxItemsPerBatch", state_input) or len(items) or 1
    max_bytes = _limit(batcher, "MaxInputBytesPerBatch", state_input) or MAX_INPUT_BYTES
    found = grouped(items, _item_bytes, max_items=max_items, max_bytes=max_bytes - _bytes(extra))
    return [extra | {"Items": batch} for batch in found]


def _limit(batcher: Mapping[str, Any], name: str, state_input: Any) -> int | None:
    if path := batcher.get(f"{name}Path"):
        return int(extract(path, state_input))
    return batcher.get(name)


def _item_bytes(item: Any) -> int:
    return _bytes(item) + 1  # the comma


def _bytes(value: Any) -> int:
    return len(to_json_str(value, separators=(",", ":")).encode())


def _read(client: Any, action: str, parameters: Mapping[str, Any], config: Mapping[str, Any]) -> list[Any]:
    if action.lower() == "listobjectsv2":
        return list(_listed(client, parameters))
    body = client.get_object(**parameters)["Body"].read()
    text = body.decode() if isinstance(body, bytes) else body
    kind = config.get("InputType", "JSON")
    try:
        return {"CSV": _csv_items, "JSON": _json_items, "JSONL": _json_lines}[kind](text, config)
    except KeyError as error:
        raise ItemReaderError(f"The local AWS does not read items of InputType {kind}") from error
    except ValueError as error:
        raise ItemReaderError(f"Unable to parse the {kind} file: {error}") from error


def _listed(client: Any, parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    more: dict[str, Any] = {}
    while True:
        page = client.list_objects_v2(**parameters, **more)
        for item in page.get("Contents", []):
            found = {name: item[key] for key, name in _FIELDS_OF_OBJECTS.items() if key in item}
            if isinstance(modified := found.get("LastModified"), str):
                found["LastModified"] = int(datetime.fromisoformat(modified).timestamp())
            yield {**found, "StorageClass": item.get("StorageClass", "STANDARD")}
        if not page.get("IsTruncated"):
            return
        more = {"ContinuationToken": page["NextContinuationToken"]}


def _json_items(text: str, config: Mapping[str, Any]) -> list[Any]:
    found = json.loads(text)
    for member in config.get("ItemsPointer", "").split("/")[1:]:
        name = member.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        elif isinstance(found, dict) and name in found:
            found = found[name]
        else:
            raise ItemReaderError(f"The ItemsPointer '{config['ItemsPointer']}' does not point to a value")
    if not isinstance(found, list):
        raise ItemReaderError("Attempting to map over non-iterable node.")
    return found


def _json_lines(text: str, _config: Mapping[str, Any]) -> list[Any]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _csv_items(text: str, config: Mapping[str, Any]) -> list[Any]:
    rows = csv.reader(io.StringIO(text), delimiter=_DELIMITERS[config.get("CSVDelimiter", "COMMA")])
    given = config.get("CSVHeaderLocation") == "GIVEN"
    headers = config["CSVHeaders"] if given else next(rows, [])
    if len(set(headers)) < len(headers):
        raise ItemReaderError("CSV headers cannot contain duplicates.")
    return [
        {header: row[index] if index < len(row) else "" for index, header in enumerate(headers)}
        for row in rows
        if row
    ]


def _cause(error: ClientError) -> str:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = error.response["Error"]["Code"]
    details = f"Service: Amazon S3; Status Code: {status}; Error Code: {code}"
    return f"{error.response['Error']['Message']} ({details})"


def _failure(env: Any, cause: str) -> FailureEventException:
    return map_run_failure(env, StatesErrorNameType.StatesItemReaderFailed, cause)
