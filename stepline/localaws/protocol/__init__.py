"""AWS's JSON protocol, served from botocore's service models.

A service of the local AWS is a `JsonService`: its operations, their shapes, limits and errors are those of
the botocore model, so that any AWS SDK and the `aws` CLI are its clients. The operations of a
`RestJsonService` have paths. `in_process_client` creates a boto3 client that calls a service directly.
"""

from stepline.localaws.protocol.errors import (
    AwsError,
    SerializationException,
    UnknownOperationException,
    ValidationException,
)
from stepline.localaws.protocol.in_process import in_process_client
from stepline.localaws.protocol.paging import page
from stepline.localaws.protocol.rest import RestJsonService
from stepline.localaws.protocol.service import HttpResponse, JsonService, Params

__all__ = [
    "AwsError",
    "HttpResponse",
    "JsonService",
    "Params",
    "RestJsonService",
    "SerializationException",
    "UnknownOperationException",
    "ValidationException",
    "in_process_client",
    "page",
]
