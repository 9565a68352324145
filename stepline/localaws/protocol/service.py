"""The base of an AWS JSON service: its operations are methods, its shapes are botocore's."""

from __future__ import annotations

import functools
import json
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import botocore.session
from botocore import xform_name
from botocore.model import OperationModel, ServiceModel

from stepline.localaws.protocol.errors import (
    AwsError,
    SerializationException,
    UnknownOperationException,
    ValidationException,
)
from stepline.localaws.protocol.serialization import from_wire, to_wire
from stepline.localaws.protocol.validation import validation_message

Params = Mapping[str, Any]

TOO_DEEP = "The request is nested too deeply"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class HttpResponse:
    status: int
    headers: Mapping[str, str]
    body: bytes


@functools.cache
def service_model(service_name: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service_name)


class JsonService:
    """Base class of the services that the local AWS implements itself.

    A subclass sets `service_name` to botocore's name of the service and has one method for each operation
    that it implements, named as in boto3: `put_job_success_result`. The method takes the validated parameters
    and returns the response as Python values (aware datetimes, bytes), or None for an empty one. It raises
    `AwsError` for an error response.
    """

    service_name: ClassVar[str]
    validation_error: ClassVar[type[AwsError]] = ValidationException
    """The error for a request that does not fit the service model."""

    @property
    def model(self) -> ServiceModel:
        return service_model(self.service_name)

    @classmethod
    @functools.cache
    def operations(cls) -> dict[str, str]:
        """Return the method name of each implemented operation, by operation name."""
        names = {name: xform_name(name) for name in service_model(cls.service_name).operation_names}
        return {name: method for name, method in names.items() if hasattr(cls, method)}

    def handles(self, operation_name: str) -> bool:
        return operation_name in self.operations()

    def handle(self, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Respond to one HTTP request. Header names must be in lower case."""
        request_id = str(uuid.uuid4())
        target = headers.get("x-amz-target", "")
        try:
            operation = self._operation(target)
            result = self.call(operation, _parse(body))
            wire = to_wire(operation.output_shape, result or {})
            return self._response(200, request_id, wire if operation.output_shape else None)
        except AwsError as error:
            return self._error_response(error, request_id)
        except RecursionError:
            _log.warning("%s: the request is nested too deeply", target)
            return self._error_response(SerializationException(TOO_DEEP), request_id)
        except Exception:
            _log.exception("%s failed", target)
            message = f"The local AWS failed to serve {target}; see its log"
            return self._response(500, request_id, {"__type": "InternalFailure", "message": message})

    def call(self, operation: OperationModel, document: Any) -> Params | None:
        """Validate `document` (the request's JSON) and call the operation's method."""
        shape = operation.input_shape
        params: Params = {}
        if shape is not None:
            if message := validation_message(shape, document):
                raise self.validation_error(message)
            params = from_wire(shape, document)
        result: Params | None = getattr(self, xform_name(operation.name))(params)
        return result

    def _operation(self, target: str) -> OperationModel:
        name = target.rpartition(".")[2]
        if name not in self.model.operation_names:
            raise UnknownOperationException(f"{target or 'A request without X-Amz-Target'} is unknown")
        if not self.handles(name):
            message = f"The local AWS does not implement {self.service_name}:{name}"
            raise UnknownOperationException(message, status=501)
        return self.model.operation_model(name)

    def _error_response(self, error: AwsError, request_id: str) -> HttpResponse:
        document = {"__type": error.code, "message": error.message, **error.fields}
        return self._response(error.http_status, request_id, document)

    def _response(self, status: int, request_id: str, document: Any) -> HttpResponse:
        body = b"" if document is None else json.dumps(document, ensure_ascii=False).encode()
        version = self.model.metadata.get("jsonVersion", "1.1")
        headers = {"content-type": f"application/x-amz-json-{version}", "x-amzn-requestid": request_id}
        return HttpResponse(status, headers, body)


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body or b"{}")
    except ValueError as error:
        raise SerializationException("The request body is not JSON") from error
