"""The network between the functions and AWS: real botocore clients, and no socket.

The clients are those that the functions make for themselves, with their retries and time-outs.
What they would send is given to `Network.receive`; time that passes meanwhile is
counted, not slept.
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
from tests.pipeline.fake_s3 import Body

_MAKE_TASK_CLIENT = task_clients.client.__wrapped__  # not the one that another test has kept

REGION = "us-east-1"
FUNCTION_SECRETS = ("FUNCTION-SECRET-KEY", "FUNCTION-SESSION-TOKEN")
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "FUNCTION",
    "AWS_SECRET_ACCESS_KEY": FUNCTION_SECRETS[0],
    "AWS_SESSION_TOKEN": FUNCTION_SECRETS[1],
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class Operation:
    """`role`: with whose credentials; `read_seconds`: how long the client waits for an answer."""

    service: str
    name: str
    role: str
    read_seconds: float

    def __str__(self) -> str:
        return f"{self.service}:{self.name}"


@dataclass
class Request:
    """One attempt of a call. `parameters` are the call's, as the caller gave them."""

    operation: Operation
    http: AWSPreparedRequest
    parameters: dict[str, Any]


@dataclass
class Reply:
    """What the service answers: HTTP, or for a service without HTTP the parsed answer."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] | None = None
    parsed: dict[str, Any] | None = None
    sent_bytes: int | None = None  # of the body, if it breaks off


Direct = tuple[SimpleNamespace, dict[str, Any]]
"""The HTTP status, as an attribute, and the parsed answer: what comes out of botocore's layers of HTTP."""


class Receiver:
    """What stands behind the network: `simulation.Simulation`."""

    def begin(self, operation: Operation, parameters: dict[str, Any]) -> Direct | None:
        """A call begins; its attempts follow, unless it is answered here and now."""
        raise NotImplementedError

    def attempt(self, http: AWSPreparedRequest) -> Reply:
        """One attempt of the call that began last."""
        raise NotImplementedError

    def slept(self, seconds: float) -> None:
        """The client waits before its next attempt."""
        raise NotImplementedError


class Network:
    """Made once in a process, because clients take long to make; `connect` it to one simulation."""

    def __init__(self) -> None:
        self.receiver = Receiver()
        self._quotas: list[Any] = []
        self._parsed: dict[str, Any] | None = None
        self._models: dict[str, ServiceModel] = {}
        self.trigger = _TriggerClients(self._watch)
        self._task_clients: dict[str, Any] = {}

    @contextmanager
    def connect(self, receiver: Receiver) -> Iterator[None]:
        self.receiver = receiver
        for quota in self._quotas:  # what earlier runs spent on retries
            quota._available_capacity = quota._max_capacity
        clock = SimpleNamespace(sleep=receiver.slept)
        with (
            mock.patch.object(botocore.endpoint, "time", clock),
            mock.patch.object(UserAgentString, "to_string", _no_user_agent),
            mock.patch.object(task_clients, "client", self.task_client),
        ):
            yield

    def task_client(self, service: str) -> Any:
        """The client that the tasks of the state machines make for themselves."""
        if service not in self._task_clients:
            make = functools.partial(_MAKE_TASK_CLIENT, service)
            self._task_clients[service] = self._watch(make, "task")
        return self._task_clients[service]

    def model(self, operation: Operation) -> OperationModel:
        return self._models[operation.service].operation_model(operation.name)

    def _watch(self, make: Callable[[], Any], role: str) -> Any:
        """A client of `make` whose requests come here."""
        quota_class = botocore.retries.standard.quota.RetryQuota

        def remembered(*args: Any) -> Any:
            self._quotas.append(quota_class(*args))
            return self._quotas[-1]

        with mock.patch.object(botocore.retries.standard.quota, "RetryQuota", remembered):
            client = make()
        client._request_signer.sign = _not_signed
        service = client.meta.service_model.service_name
        self._models[service] = client.meta.service_model
        read_seconds = client.meta.config.read_timeout
        given: dict[str, Any] = {}

        def remember(params: dict[str, Any], model: OperationModel, **_rest: Any) -> None:
            given.clear()
            given.update(params)

        def begin(model: OperationModel, **_rest: Any) -> Direct | None:
            operation = Operation(service, model.name, role, read_seconds)
            return self.receiver.begin(operation, dict(given))

        def send(request: AWSPreparedRequest, **_rest: Any) -> AWSResponse:
            reply = self.receiver.attempt(request)
            self._parsed = reply.parsed
            body = Body(reply.body[: reply.sent_bytes], announced_bytes=len(reply.body))
            return AWSResponse(str(request.url), reply.status, reply.headers or {}, body)  # type: ignore[arg-type]

        def parse(customized_response_dict: dict[str, Any], **_rest: Any) -> None:
            customized_response_dict.update(self._parsed or {})
            self._parsed = None

        events = client.meta.events
        events.register(f"provide-client-params.{service}", remember)
        events.register(f"before-call.{service}", begin)
        events.register(f"before-send.{service}", send)
        events.register(f"before-parse.{service}", parse)
        return client


def _no_user_agent(_self: UserAgentString) -> str:
    return "simulation"


def _not_signed(*_args: object, **_kwargs: object) -> None:
    """A signature takes as long as the rest of a call, and nobody here looks at it."""


class _TriggerClients(AwsClients):
    """The trigger's own clients; those that it makes anew for each job are kept."""

    def __init__(self, watch: Callable[[Callable[[], Any], str], Any]) -> None:
        super().__init__(ENVIRONMENT)
        self._watched = watch
        self._artifact_keys = BotocoreCredentials("none", "none", "none")

    @functools.cached_property
    def stepfunctions(self) -> Any:
        return self._watched(lambda: AwsClients.stepfunctions.func(self), "trigger")  # type: ignore[attr-defined]

    @functools.cached_property
    def codepipeline(self) -> Any:
        return self._watched(lambda: AwsClients.codepipeline.func(self), "trigger")  # type: ignore[attr-defined]

    @functools.cached_property
    def s3(self) -> Any:
        return self._watched(lambda: AwsClients.s3.func(self), "trigger")  # type: ignore[attr-defined]

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
        return self._watched(lambda: AwsClients.artifact_s3(self, keys), "artifacts")

    def sync_stepfunctions(self, wait_seconds: float) -> Any:
        return self._sync_stepfunctions(wait_seconds)

    @functools.cache  # noqa: B019 - there is one for the whole process
    def _sync_stepfunctions(self, wait_seconds: float) -> Any:
        return self._watched(lambda: AwsClients.sync_stepfunctions(self, wait_seconds), "trigger")
