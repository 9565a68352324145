"""CloudTrail's record of a call to S3's object API.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

Record = dict[str, Any]

_VERSION: Final = "1.11"
_READ_METHODS: Final = frozenset({"GET", "HEAD"})
_REQUEST_HEADERS: Final = (
    "x-amz-acl",
    "x-amz-copy-source",
    "x-amz-server-side-encryption",
    "x-amz-storage-class",
    "x-amz-tagging-directive",
)
_RESPONSE_HEADERS: Final = (
    "x-amz-copy-source-version-id",
    "x-amz-delete-marker",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-version-id",
)
_SUBRESOURCES: Final = {
    "acl": "ObjectAcl",
    "legal-hold": "ObjectLegalHold",
    "retention": "ObjectRetention",
    "tagging": "ObjectTagging",
}
_POST_OPERATIONS: Final = {
    "delete": "DeleteObjects",
    "uploads": "CreateMultipartUpload",
    "uploadId": "CompleteMultipartUpload",
    "restore": "RestoreObject",
    "select": "SelectObjectContent",
}
_VERBS: Final = {"PUT": "Put", "GET": "Get", "DELETE": "Delete"}


@dataclass(frozen=True)
class S3Call:
    """A request and its response. Header names are in lower case; the key is not URL-encoded.

    `caller_arn` is that of a role session, or empty for the developer, whatever the access key.
    """

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    bytes_in: int
    response_headers: Mapping[str, str]
    bytes_out: int
    caller_arn: str = ""
    error_code: str | None = None


def data_event(
    call: S3Call, *, request_id: str, region: str, account_id: str, time: datetime
) -> Record | None:
    """Return the record, or None for a call that is not on an object."""
    name = _event_name(call)
    if name is None:
        return None
    return {
        "eventVersion": _VERSION,
        "userIdentity": _identity(call, account_id),
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "s3.amazonaws.com",
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": f"[{call.headers.get('user-agent', '')}]",
        **({"errorCode": call.error_code, "errorMessage": call.error_code} if call.error_code else {}),
        "requestParameters": _request_parameters(call),
        "responseElements": _response_elements(call),
        "additionalEventData": {
            "SignatureVersion": "SigV4",
            "bytesTransferredIn": call.bytes_in,
            "bytesTransferredOut": call.bytes_out,
        },
        "requestID": request_id,
        "eventID": str(uuid.uuid4()),
        "readOnly": call.method in _READ_METHODS,
        "resources": _resources(call, account_id),
        "eventType": "AwsApiCall",
        "managementEvent": False,
        "recipientAccountId": account_id,
        "eventCategory": "Data",
    }


def _event_name(call: S3Call) -> str | None:
    if call.method == "POST":
        return _post_operation(call)
    if not call.key:
        return None
    for subresource, name in _SUBRESOURCES.items():
        if subresource in call.query:
            verb = _VERBS.get(call.method)
            return verb and f"{verb}{name}"
    return _upload_operation(call) if "uploadId" in call.query else _object_operation(call)


def _post_operation(call: S3Call) -> str | None:
    """Return the operation that a query parameter names; without one, the form upload of an object."""
    for parameter, name in _POST_OPERATIONS.items():
        if parameter in call.query:
            return name
    return "PostObject" if call.key else None


def _upload_operation(call: S3Call) -> str | None:
    match call.method:
        case "PUT":
            return "UploadPartCopy" if "x-amz-copy-source" in call.headers else "UploadPart"
        case "DELETE":
            return "AbortMultipartUpload"
        case "GET":
            return "ListParts"
        case _:
            return None


def _object_operation(call: S3Call) -> str | None:
    match call.method:
        case "PUT":
            return "CopyObject" if "x-amz-copy-source" in call.headers else "PutObject"
        case "GET" | "HEAD" | "DELETE":
            return f"{call.method.capitalize()}Object"
        case _:
            return None


def _request_parameters(call: S3Call) -> dict[str, Any]:
    headers = {name: call.headers[name] for name in _REQUEST_HEADERS if name in call.headers}
    query = {name: value for name, value in call.query.items() if not name.lower().startswith("x-")}
    key = {"key": call.key} if call.key else {}
    return {**query, "bucketName": call.bucket, "Host": call.headers.get("host", ""), **key, **headers}


def _response_elements(call: S3Call) -> dict[str, str] | None:
    """Return None for calls that read or failed, as CloudTrail does."""
    if call.method in _READ_METHODS or call.error_code:
        return None
    headers = {name.lower(): value for name, value in call.response_headers.items()}
    return {name: headers[name] for name in _RESPONSE_HEADERS if name in headers} or None


def _identity(call: S3Call, account_id: str) -> dict[str, str]:
    if call.caller_arn:
        return {"type": "AssumedRole", "arn": call.caller_arn, "accountId": account_id}
    return {"type": "IAMUser", "arn": f"arn:aws:iam::{account_id}:user/local", "accountId": account_id}


def _resources(call: S3Call, account_id: str) -> list[dict[str, str]]:
    bucket = f"arn:aws:s3:::{call.bucket}"
    return [
        {"type": "AWS::S3::Object", "ARN": f"{bucket}/{call.key}"},
        {"accountId": account_id, "type": "AWS::S3::Bucket", "ARN": bucket},
    ]
