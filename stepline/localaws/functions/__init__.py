"""Lambda functions of the local AWS.

`FunctionRunner` runs deployed functions in processes of AWS's own runtime client;
`InProcessFunctions` runs plain Python handlers in this process, for tests and simulations.
"""

from stepline.localaws.functions.in_process import Context, Handler, InProcessFunctions
from stepline.localaws.functions.model import (
    CodeError,
    FunctionsError,
    FunctionVersion,
    InvocationResult,
    RequestTooLargeError,
)
from stepline.localaws.functions.runner import FunctionRunner

__all__ = [
    "CodeError",
    "Context",
    "FunctionRunner",
    "FunctionVersion",
    "FunctionsError",
    "Handler",
    "InProcessFunctions",
    "InvocationResult",
    "RequestTooLargeError",
]
