"""CloudTrail's data events of S3: records, event selectors and log files."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from stepline.localaws.cloudtrail import Record, S3Call, data_event, log_file, selects

NOW = datetime(2026, 11, 21, 8, 5, 3, tzinfo=UTC)
ACCOUNT = "000000000000"


def call(method: str = "PUT", *, key: str = "in/a b.csv", **more: Any) -> S3Call:
    settings: dict[str, Any] = {
        "query": {},
        "headers": {"host": "127.0.0.1", "user-agent": "test"},
        "bytes_in": 5,
        "response_headers": {"x-amz-version-id": "v1"},
        "bytes_out": 0,
    }
    return S3Call(method=method, bucket="incoming", key=key, **(settings | more))


def record(s3_call: S3Call) -> Record:
    found = data_event(s3_call, request_id="r", region="us-east-1", account_id=ACCOUNT, time=NOW)
    assert found is not None
    return found


COPY = {"x-amz-copy-source": "a/b"}


@pytest.mark.parametrize(
    ("method", "key", "query", "headers", "name", "read_only"),
    [
        ("PUT", "k", {}, {}, "PutObject", False),
        ("PUT", "k", {"x-id": "PutObject"}, {}, "PutObject", False),
        ("PUT", "k", {}, COPY, "CopyObject", False),
        ("POST", "k", {}, {}, "PostObject", False),
        ("POST", "k", {"uploads": ""}, {}, "CreateMultipartUpload", False),
        ("PUT", "k", {"uploadId": "u", "partNumber": "1"}, {}, "UploadPart", False),
        ("PUT", "k", {"uploadId": "u", "partNumber": "1"}, COPY, "UploadPartCopy", False),
        ("POST", "k", {"uploadId": "u"}, {}, "CompleteMultipartUpload", False),
        ("DELETE", "k", {"uploadId": "u"}, {}, "AbortMultipartUpload", False),
        ("GET", "k", {"uploadId": "u"}, {}, "ListParts", True),
        ("DELETE", "k", {}, {}, "DeleteObject", False),
        ("POST", "", {"delete": ""}, {}, "DeleteObjects", False),
        ("POST", "k", {"restore": ""}, {}, "RestoreObject", False),
        ("GET", "k", {}, {}, "GetObject", True),
        ("HEAD", "k", {"versionId": "v"}, {}, "HeadObject", True),
        ("PUT", "k", {"tagging": ""}, {}, "PutObjectTagging", False),
        ("GET", "k", {"acl": ""}, {}, "GetObjectAcl", True),
        ("DELETE", "k", {"tagging": ""}, {}, "DeleteObjectTagging", False),
    ],
)
def test_event_name_is_that_of_the_operation(
    *, method: str, key: str, query: dict[str, str], headers: dict[str, str], name: str, read_only: bool
) -> None:
    event = record(call(method, key=key, query=query, headers=headers))
    assert (event["eventName"], event["readOnly"]) == (name, read_only)


@pytest.mark.parametrize(("method", "key"), [("GET", ""), ("PUT", ""), ("POST", ""), ("OPTIONS", "k")])
def test_call_that_is_not_on_an_object_is_not_recorded(method: str, key: str) -> None:
    s3_call = call(method, key=key)
    assert data_event(s3_call, request_id="r", region="us-east-1", account_id=ACCOUNT, time=NOW) is None


def test_record_of_put_object_is_complete() -> None:
    event = record(call(query={"x-id": "PutObject"}))
    assert event.pop("eventID")
    assert event == {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "arn": f"arn:aws:iam::{ACCOUNT}:user/local",
            "accountId": ACCOUNT,
        },
        "eventTime": "2026-11-21T08:05:03Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "PutObject",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "127.0.0.1",
        "userAgent": "[test]",
        "requestParameters": {"bucketName": "incoming", "Host": "127.0.0.1", "key": "in/a b.csv"},
        "responseElements": {"x-amz-version-id": "v1"},
        "additionalEventData": {
            "SignatureVersion": "SigV4",
            "bytesTransferredIn": 5,
            "bytesTransferredOut": 0,
        },
        "requestID": "r",
        "readOnly": False,
        "resources": [
            {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::incoming/in/a b.csv"},
            {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::incoming"},
        ],
        "eventType": "AwsApiCall",
        "managementEvent": False,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Data",
    }


def test_failed_call_has_an_error_code_and_no_response_elements() -> None:
    event = record(call(error_code="NoSuchBucket"))
    assert (event["errorCode"], event["responseElements"]) == ("NoSuchBucket", None)


def test_role_session_is_the_user_identity() -> None:
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/uploads/me"
    assert record(call(caller_arn=arn))["userIdentity"] == {
        "type": "AssumedRole",
        "arn": arn,
        "accountId": ACCOUNT,
    }


def basic(read_write_type: str, *values: str) -> dict[str, Any]:
    resources = [{"Type": "AWS::S3::Object", "Values": list(values)}]
    return {"ReadWriteType": read_write_type, "IncludeManagementEvents": False, "DataResources": resources}


def advanced(**fields: dict[str, list[str]]) -> dict[str, Any]:
    required: dict[str, dict[str, list[str]]] = {
        "eventCategory": {"Equals": ["Data"]},
        "resources.type": {"Equals": ["AWS::S3::Object"]},
    }
    named = {name.replace("_", "."): value for name, value in fields.items()}
    return {"FieldSelectors": [{"Field": name, **tests} for name, tests in (required | named).items()]}


ARN = "arn:aws:s3:::incoming/"


@pytest.mark.parametrize(
    ("selector", "method", "selected"),
    [
        (basic("WriteOnly", ARN), "PUT", True),
        (basic("WriteOnly", ARN), "GET", False),
        (basic("ReadOnly", ARN), "GET", True),
        (basic("ReadOnly", ARN), "PUT", False),
        (basic("All", f"{ARN}in/"), "PUT", True),
        (basic("All", f"{ARN}out/"), "PUT", False),
        (basic("All", "arn:aws:s3:::other/", "arn:aws:s3"), "PUT", True),
        (basic("All", "arn:aws:s3:::incoming"), "PUT", False),  # a bucket without a slash
        ({"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}, "PUT", False),
        (advanced(), "PUT", True),
        (advanced(readOnly={"Equals": ["false"]}), "PUT", True),
        (advanced(readOnly={"Equals": ["false"]}), "GET", False),
        (advanced(eventName={"Equals": ["CopyObject", "PutObject"]}), "PUT", True),
        (advanced(eventName={"Equals": ["CopyObject"]}), "PUT", False),
        (advanced(eventName={"NotEquals": ["PutObject"]}), "PUT", False),
        (advanced(resources_ARN={"StartsWith": [f"{ARN}in/"]}), "PUT", True),
        (advanced(resources_ARN={"StartsWith": [f"{ARN}out/"]}), "PUT", False),
        (advanced(resources_ARN={"StartsWith": [f"{ARN}out/"], "EndsWith": [".csv"]}), "PUT", True),  # or
        (advanced(resources_ARN={"NotStartsWith": [f"{ARN}in/"]}), "PUT", False),
        (advanced(eventCategory={"Equals": ["Management"]}), "PUT", False),
        (advanced(userIdentity_arn={"Equals": ["x"]}), "PUT", False),  # a field that is not recorded
    ],
)
def test_trail_records_the_events_that_its_selectors_match(
    selector: Any, method: str, selected: bool
) -> None:
    assert selects([selector], record(call(method))) is selected


def test_log_file_has_cloudtrail_s_key_and_content() -> None:
    event = record(call())
    file = log_file([event], prefix="audit", account_id=ACCOUNT, region="us-east-1", time=NOW)
    folder, _, name = file.key.rpartition("/")
    assert folder == f"audit/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/11/21"
    assert name.startswith(f"{ACCOUNT}_CloudTrail_us-east-1_20261121T0805Z_")
    assert name.endswith(".json.gz")
    assert json.loads(gzip.decompress(file.content)) == {"Records": [event]}
