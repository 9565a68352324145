"""Lambda functions of the local AWS: `FunctionRunner` runs them in processes of AWS's own runtime client."""

from stepline.localaws.functions.errors import CodeError, FunctionsError, RequestTooLargeError
from stepline.localaws.functions.models import FunctionVersion, InvocationResult, Layer
from stepline.localaws.functions.runner import FunctionRunner

__all__ = [
    "CodeError",
    "FunctionRunner",
    "FunctionVersion",
    "FunctionsError",
    "InvocationResult",
    "Layer",
    "RequestTooLargeError",
]
