"""The base of the fakes: it records the calls and makes those fail that a test chooses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Any, TypeVar

from botocore import xform_name
from botocore.model import OperationModel

from stepline.localaws.protocol import AwsError, JsonService, Params
from stepline.localaws.protocol.validation import validation_message

T = TypeVar("T")


@dataclass(frozen=True)
class Fault:
    """An error with which some calls of an operation end: those with the numbers `on`, counted from 1.

    `acted`: the service does its work before it fails.
    """

    operation: str
    on: Container[int]
    error: Exception
    acted: bool = False


@dataclass(eq=False)
class Calls:
    """The calls of a service as (operation, parameters), and what a test has planned for some of them.

    `interference` is called just before a call: by its operation and its number, counted from 1.
    `before_each` is called before every call.
    """

    calls: list[tuple[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    interference: dict[tuple[str, int], Callable[[], object]] = field(default_factory=dict)
    before_each: Callable[[], object] = lambda: None
    _counts: Counter[str] = field(default_factory=Counter)

    def fail_next(self, operation: str, code: str, *, status: int = 400, times: int = 1) -> None:
        """Let the next calls of the operation end with an error response, before the service acts."""
        self.raise_next(operation, AwsError(f"{code} of the test", code=code, status=status), times=times)

    def raise_next(self, operation: str, error: Exception, *, times: int = 1) -> None:
        """Let the next calls of the operation raise `error` in the client, such as botocore's time-outs."""
        following = self._counts[operation] + 1
        self.faults.append(Fault(operation, range(following, following + times), error))

    def called(self, operation: str) -> list[Any]:
        """Return the parameters of each call of the operation."""
        return [params for name, params in self.calls if name == operation]

    def perform(self, operation: str, params: Any, act: Callable[[], T]) -> T:
        """Record the call, and return what `act` returns or raise what the test has planned."""
        self.calls.append((operation, params))
        self._counts[operation] += 1
        number = self._counts[operation]
        self.before_each()
        self.interference.get((operation, number), lambda: None)()
        fault = next((f for f in self.faults if f.operation == operation and number in f.on), None)
        if fault is not None and not fault.acted:
            raise fault.error
        result = act()
        if fault is not None:
            raise fault.error
        return result


@dataclass(eq=False)
class FakeService(Calls, JsonService):
    """A fake has one method for each operation, named as in boto3; the parameters are keyword arguments."""

    def call(self, operation: OperationModel, document: Any) -> Params:
        return self.perform(operation.name, document, lambda: self._respond(operation, document))

    def _respond(self, operation: OperationModel, document: Any) -> Params:
        shape = operation.input_shape
        if shape is not None and (message := validation_message(shape, document)):
            raise self.validation_error(message)
        result: Params | None = getattr(self, xform_name(operation.name))(**document)
        return result or {}
