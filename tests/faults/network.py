"""The network between the functions and AWS: real botocore clients without sockets.

The clients are those that the functions make, with their retries and time-outs. `Receiver` gets what they
would send; time that passes meanwhile is counted, and nothing sleeps.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest import mock

import botocore.endpoint
import botocore.retries.standard
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.credentials import Credentials as BotocoreCredentials
from botocore.model import OperationModel, ServiceModel
from botocore.useragent import UserAgentString

from pipeline.clients import AwsClients
from pipeline.job_event import Credentials
from stepline.core import clients as task_clients
from stepline.core.local_aws import DEFAULT_REGION
from tests.fakes.clients import Response
from tests.fakes.s3 import Body

_MAKE_TASK_CLIENT = task_clients.client.__wrapped__  # not the cached client of another test
_MAKE_UNSIGNED_STS = task_clients.unsigned_sts.__wrapped__
_UNSIGNED_STS = "sts"  # no function has another client of STS

FUNCTION_SECRETS = ("FUNCTION-SECRET-KEY", "FUNCTION-SESSION-TOKEN")
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "FUNCTION",
    "AWS_SECRET_ACCESS_KEY": FUNCTION_SECRETS[0],
    "AWS_SESSION_TOKEN": FUNCTION_SECRETS[1],
    "AWS_DEFAULT_REGION": DEFAULT_REGION,
    "AWS_REGION": DEFAULT_REGION,
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class Operation:
    """`role`: whose credentials are used; `read_seconds`: how long the client waits for a response."""

    service: str
    name: str
    role: str
    read_seconds: float

    def __str__(self) -> str:
        return f"{self.service}:{self.name}"


@dataclass
class Reply:
    """The HTTP response of a service; `parsed` is the response of a fake that has no HTTP.

    `sent_bytes` are those of a body that breaks off.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] | None = None
    parsed: dict[str, Any] | None = None
    sent_bytes: int | None = None


class Receiver:
    """The other end of the network: a `World`."""

    def start_call(self, operation: Operation, parameters: dict[str, Any]) -> Response | None:
        """Return the response to a call; None if its attempts follow over HTTP."""
        raise NotImplementedError

    def attempt(self, http: AWSPreparedRequest) -> Reply:
        """Reply to one attempt of the call that was started last."""
        raise NotImplementedError

    def sleep(self, seconds: float) -> None:
        """Wait before the next attempt."""
        raise NotImplementedError


class Network:
    """There is one for a process, because clients take long to make. `connect` it to one world at a time."""

    def __init__(self) -> None:
        self.receiver = Receiver()
        self._quotas: list[Any] = []
        self._parsed: dict[str, Any] | None = None
        self._models: dict[str, ServiceModel] = {}
        self.trigger = _TriggerClients(self._intercept)
        self._task_clients: dict[str, Any] = {}

    @contextmanager
    def connect(self, receiver: Receiver) -> Iterator[None]:
        self.receiver = receiver
        for quota in self._quotas:  # retries of earlier worlds used it up
            quota._available_capacity = quota._max_capacity
        clock = SimpleNamespace(sleep=receiver.sleep)
        with (
            mock.patch.object(botocore.endpoint, "time", clock),
            mock.patch.object(UserAgentString, "to_string", _no_user_agent),
            mock.patch.object(task_clients, "client", self.task_client),
            mock.patch.object(task_clients, "unsigned_sts", self.unsigned_sts),
        ):
            yield

    def task_client(self, service: str) -> Any:
        """Return the client that the tasks of the state machines make."""
        if service not in self._task_clients:
            is_unsigned = service == _UNSIGNED_STS
            make = _MAKE_UNSIGNED_STS if is_unsigned else functools.partial(_MAKE_TASK_CLIENT, service)
            self._task_clients[service] = self._intercept(make, "task")
        return self._task_clients[service]

    def unsigned_sts(self) -> Any:
        return self.task_client(_UNSIGNED_STS)

    def model(self, operation: Operation) -> OperationModel:
        return self._models[operation.service].operation_model(operation.name)

    def _intercept(self, make: Callable[[], Any], role: str) -> Any:
        """Return the client that `make` makes, with its requests sent to the receiver."""
        quota_class = botocore.retries.standard.quota.RetryQuota

        def make_quota(*args: Any) -> Any:
            self._quotas.append(quota_class(*args))
            return self._quotas[-1]

        with mock.patch.object(botocore.retries.standard.quota, "RetryQuota", make_quota):
            client = make()
        client._request_signer.sign = _not_signed
        service = client.meta.service_model.service_name
        self._models[service] = client.meta.service_model
        read_seconds = client.meta.config.read_timeout
        latest_params: dict[str, Any] = {}

        def keep_params(params: dict[str, Any], model: OperationModel, **_rest: Any) -> None:
            latest_params.clear()
            latest_params.update(params)

        def start_call(model: OperationModel, **_rest: Any) -> Response | None:
            operation = Operation(service, model.name, role, read_seconds)
            return self.receiver.start_call(operation, dict(latest_params))

        def send(request: AWSPreparedRequest, **_rest: Any) -> AWSResponse:
            reply = self.receiver.attempt(request)
            self._parsed = reply.parsed
            body = Body(reply.body[: reply.sent_bytes], announced_bytes=len(reply.body))
            return AWSResponse(str(request.url), reply.status, reply.headers or {}, body)  # type: ignore[arg-type]

        def parse(customized_response_dict: dict[str, Any], **_rest: Any) -> None:
            customized_response_dict.update(self._parsed or {})
            self._parsed = None

        events = client.meta.events
        events.register(f"provide-client-params.{service}", keep_params)
        events.register(f"before-call.{service}", start_call)
        events.register(f"before-send.{service}", send)
        events.register(f"before-parse.{service}", parse)
        return client


def _no_user_agent(_self: UserAgentString) -> str:
    return "simulation"


def _not_signed(*_args: object, **_kwargs: object) -> None:
    """Do not sign: it takes as long as the rest of a call, and the signature is not read."""


class _TriggerClients(AwsClients):
    """The trigger's own clients. Those that it makes for each job are made once."""

    def __init__(self, intercept: Callable[[Callable[[], Any], str], Any]) -> None:
        super().__init__(ENVIRONMENT)
        self._intercept = intercept

    @functools.cached_property
    def stepfunctions(self) -> Any:
        return self._intercept(lambda: AwsClients.stepfunctions.func(self), "trigger")  # type: ignore[attr-defined]

    @functools.cached_property
    def codepipeline(self) -> Any:
        return self._intercept(lambda: AwsClients.codepipeline.func(self), "trigger")  # type: ignore[attr-defined]

    @functools.cached_property
    def dynamodb(self) -> Any:
        return self._intercept(lambda: AwsClients.dynamodb.func(self), "trigger")  # type: ignore[attr-defined]

    @functools.cached_property
    def scheduler(self) -> Any:
        return self._intercept(lambda: AwsClients.scheduler.func(self), "trigger")  # type: ignore[attr-defined]

    @functools.cached_property
    def s3(self) -> Any:
        return self._intercept(lambda: AwsClients.s3.func(self), "trigger")  # type: ignore[attr-defined]

    def artifact_s3(self, credentials: Credentials) -> Any:
        client = self._artifact_s3
        signer = client._request_signer
        signer._credentials = BotocoreCredentials(
            credentials.access_key_id, credentials.secret_access_key, credentials.session_token
        )
        return client

    @functools.cached_property
    def _artifact_s3(self) -> Any:
        keys = Credentials("none", "none", "none")
        return self._intercept(lambda: AwsClients.artifact_s3(self, keys), "artifacts")

    def sync_stepfunctions(self, wait_seconds: float) -> Any:
        return self._sync_stepfunctions(wait_seconds)

    @functools.cache  # noqa: B019 - there is one for the whole process
    def _sync_stepfunctions(self, wait_seconds: float) -> Any:
        return self._intercept(lambda: AwsClients.sync_stepfunctions(self, wait_seconds), "trigger")
