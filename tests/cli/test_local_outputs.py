"""The outputs of a stack that `stepline up` shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepline.aws.local_servers import LocalAws
from stepline.cli.local_outputs import local_outputs

LOCAL_AWS = LocalAws(1, 4567, "us-east-1", Path("/tmp"), "now", None)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (
            "https://2e2b71d6.execute-api.us-east-1.amazonaws.com/live",
            "http://127.0.0.1:4567/restapis/2e2b71d6/live/_user_request_",
        ),
        (
            "https://abc.execute-api.cn-north-1.amazonaws.com.cn/prod_1/items",
            "http://127.0.0.1:4567/restapis/abc/prod_1/_user_request_/items",
        ),
        (
            "https://abc.execute-api.us-east-1.amazonaws.com",
            "http://127.0.0.1:4567/restapis/abc/%24default/_user_request_",
        ),
        (
            "https://abc.execute-api.us-east-1.amazonaws.com/",
            "http://127.0.0.1:4567/restapis/abc/%24default/_user_request_",
        ),
        (
            "http://abc.execute-api.127.0.0.1:4567",
            "http://127.0.0.1:4567/restapis/abc/%24default/_user_request_",
        ),
        ("https://example.com/live", "https://example.com/live"),
        ("arn:aws:sqs:us-east-1:000000000000:queue", "arn:aws:sqs:us-east-1:000000000000:queue"),
    ],
)
def test_address_of_an_api_is_local(value: str, shown: str) -> None:
    assert local_outputs({"ApiUrl": value}, LOCAL_AWS) == {"ApiUrl": shown}


def test_command_that_reads_the_api_key_is_shown() -> None:
    assert local_outputs({"ApiKeyId": "b34355dd"}, LOCAL_AWS) == {
        "ApiKeyId": "b34355dd",
        "API key": "aws apigateway get-api-key --endpoint-url http://127.0.0.1:4567 --api-key b34355dd "
        "--include-value --query value --output text",
    }
