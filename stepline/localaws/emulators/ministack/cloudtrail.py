"""Patches ministack's CloudTrail: it records no data events, and does not check the bucket of a trail."""

from __future__ import annotations

import contextvars
import logging
import re
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from ministack.core import router
from ministack.services import cloudtrail, s3

from stepline.localaws import service_policies
from stepline.localaws.cloudtrail import Record, S3Call, data_event, log_file, selects
from stepline.localaws.emulators.ministack.iam import caller_of
from stepline.localaws.events import AwsEvent, EventSink

_log = logging.getLogger(__name__)

_SERVICE = "cloudtrail.amazonaws.com"
_DETAIL_TYPE = "AWS API Call via CloudTrail"
_FILE_SECONDS = 1.0
"""The time that one file of a trail covers; on AWS about five minutes."""
_ERROR = 400
_ERROR_CODE = re.compile(rb"<Code>([^<]+)</Code>")

Trail = Mapping[str, Any]


class _LogFiles:
    """Collects the records of trails for a moment, and writes them into the trails' buckets."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[Trail, list[Record]]] = {}
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def add(self, trail: Trail, record: Record) -> None:
        with self._lock:
            self._waiting.setdefault(trail["TrailARN"], (trail, []))[1].append(record)
            if self._timer is None:
                context = contextvars.copy_context()
                self._timer = threading.Timer(_FILE_SECONDS, context.run, (self.write,))
                self._timer.daemon = True
                self._timer.start()

    def write(self) -> None:
        with self._lock:
            waiting, self._waiting, self._timer = self._waiting, {}, None
        for trail, records in waiting.values():
            self._write(trail, records)

    def close(self) -> None:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()

    def _write(self, trail: Trail, records: list[Record]) -> None:
        _, _, _, region, account_id = trail["TrailARN"].split(":")[:5]
        file = log_file(
            records,
            prefix=trail["S3KeyPrefix"],
            account_id=account_id,
            region=region,
            time=datetime.now(UTC),
        )
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        status, _, _ = s3._put_object(trail["S3BucketName"], file.key, file.content, headers)
        if status >= _ERROR:
            _log.warning("CloudTrail cannot write to the bucket of %s: %s", trail["Name"], status)


def record_data_events(publish: EventSink) -> Callable[[], None]:
    """Record calls of S3's object API that a trail selects; return a function that stops writing files.

    ministack keeps trails and their selectors, but records nothing. A call that IAM denies is not recorded.
    """
    original = s3.handle_request
    files = _LogFiles()

    async def handle(*request: Any, **options: Any) -> Any:
        response = await original(*request, **options)
        if cloudtrail._trails:
            response[1].setdefault("x-amz-request-id", str(uuid.uuid4()))
            try:
                _record(_call_of(request, response), response[1], files, publish)
            except Exception:
                _log.exception("CloudTrail cannot record a call")
        return response

    s3.handle_request = handle
    return files.close


def _record(call: S3Call, response_headers: Mapping[str, str], files: _LogFiles, publish: EventSink) -> None:
    now = datetime.now(UTC)
    record = data_event(
        call,
        request_id=response_headers["x-amz-request-id"],
        region=cloudtrail.get_region(),
        account_id=cloudtrail.get_account_id(),
        time=now,
    )
    if record is None:
        return
    trails = list(_selecting_trails(record))
    for trail in trails:
        files.add(trail, record)
    if trails:
        publish(AwsEvent(source="aws.s3", detail_type=_DETAIL_TYPE, detail=record, time=now))


def _selecting_trails(record: Record) -> Iterator[Trail]:
    account_id = cloudtrail.get_account_id()
    for region, name, trail in cloudtrail._account_trail_items(account_id):
        selectors = cloudtrail._event_selectors.get_scoped(account_id, region, name, [])
        if trail["IsLogging"] and selects(selectors, record):
            yield trail


def _call_of(request: tuple[Any, ...], response: Any) -> S3Call:
    method, path, headers, body, query = request[:5]
    status, response_headers, content = response
    bucket, key = s3._parse_bucket_key(path, headers)
    if method == "POST" and not key:  # of a form that uploads an object
        key = unquote(urlsplit(response_headers.get("Location", "")).path).lstrip("/")
    caller = caller_of(router.extract_access_key_id(headers, query) or "")
    return S3Call(
        method=method,
        bucket=bucket,
        key=key,
        query={name: value[0] if isinstance(value, list) else value for name, value in query.items()},
        headers={name.lower(): value for name, value in headers.items()},
        bytes_in=len(body),
        response_headers=response_headers,
        bytes_out=len(content) if isinstance(content, bytes) else 0,
        caller_arn=caller.arn if caller else "",
        error_code=_error_code(status, content),
    )


def _error_code(status: int, content: object) -> str | None:
    if status < _ERROR:
        return None
    found = _ERROR_CODE.search(content) if isinstance(content, bytes) else None
    return found.group(1).decode() if found else str(status)


def check_buckets_of_trails() -> None:
    """Refuse a trail whose bucket's policy does not let CloudTrail write; ministack accepts any bucket."""
    for operation, original in (
        ("CreateTrail", cloudtrail._create_trail),
        ("UpdateTrail", cloudtrail._update_trail),
    ):
        cloudtrail._DISPATCH[operation] = _checked(original)


def _checked(original: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    def checked(body: dict[str, Any]) -> Any:
        bucket = body.get("S3BucketName")
        if bucket is not None:
            if bucket not in s3._buckets:
                message = f"S3 bucket {bucket} does not exist!"
                return cloudtrail._err("S3BucketDoesNotExistException", message)
            if not _can_write(bucket, body):
                message = f"Incorrect S3 bucket policy is detected for bucket: {bucket}"
                return cloudtrail._err("InsufficientS3BucketPolicyException", message)
        return original(body)

    return checked


def _can_write(bucket: str, body: Mapping[str, Any]) -> bool:
    """Return whether the bucket's policy lets CloudTrail write files for the trail.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
    """
    arn = f"arn:aws:s3:::{bucket}"
    found = s3.bucket_policy_for_arn(arn)
    trail_arn = body["Name"] if body["Name"].startswith("arn:") else cloudtrail._trail_arn(body["Name"])
    prefix = f"{body['S3KeyPrefix']}/" if body.get("S3KeyPrefix") else ""
    account_id = trail_arn.split(":")[4]
    needs: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("s3:GetBucketAcl", arn, {}),
        (
            "s3:PutObject",
            f"{arn}/{prefix}AWSLogs/{account_id}/CloudTrail/file",
            {"s3:x-amz-acl": "bucket-owner-full-control"},
        ),
    )
    return all(
        service_policies.allows(
            found and found[0], _SERVICE, action, resource, source_arn=trail_arn, context=context
        )
        for action, resource, context in needs
    )
