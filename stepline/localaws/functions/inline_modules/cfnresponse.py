"""Answers CloudFormation's requests to custom resources; Lambda has this module for code in a template.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-lambda-function-code-cfnresponsemodule.html
"""

from __future__ import annotations

import json
import urllib.request
from typing import Any

SUCCESS = "SUCCESS"
FAILED = "FAILED"


def send(  # noqa: PLR0917 - the signature of the documentation
    event: dict[str, Any],
    context: Any,
    responseStatus: str,  # noqa: N803
    responseData: Any,  # noqa: N803
    physicalResourceId: str | None = None,  # noqa: N803
    noEcho: bool = False,  # noqa: N803
    reason: str | None = None,
) -> None:
    """Put the response to the event's ResponseURL. The physical id is by default the log stream's name."""
    response = {
        "Status": responseStatus,
        "Reason": reason or f"See the details in CloudWatch Log Stream: {context.log_stream_name}",
        "PhysicalResourceId": physicalResourceId or context.log_stream_name,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "NoEcho": noEcho,
        "Data": responseData,
    }
    request = urllib.request.Request(  # noqa: S310 - the address is CloudFormation's
        event["ResponseURL"], data=json.dumps(response).encode(), method="PUT", headers={"content-type": ""}
    )
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            print("Status code:", answer.status)  # noqa: T201
    except OSError as error:
        print("send(..) failed executing http.request(..):", error)  # noqa: T201
