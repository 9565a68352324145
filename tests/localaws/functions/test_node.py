"""Functions of Node.js runtimes, in processes of the machine's Node.js.

The shapes are those of the Lambda guide, "Building Lambda functions with Node.js".
"""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from stepline.localaws.functions import FunctionRunner, InvocationResult, runtimes
from tests.localaws.functions.conftest import version

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")

COMMON_JS = """
let count = 0
exports.echo = async (event) => { console.log('event', event); console.error('to stderr'); return event }
exports.counts = async () => ++count
exports.nothing = async () => {}
exports.callback = (event, context, callback) => { setTimeout(() => callback(null, {called: event.a}), 5) }
exports.failing_callback = (event, context, callback) => callback(new TypeError('by callback'))
exports.succeed = (event, context) => context.succeed('old style')
exports.idle = () => { setTimeout(() => {}, 5) }
exports.impatient = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = false
  setTimeout(() => {}, 60000)
  callback(null, 'early')
}
class OwnError extends Error { constructor(m) { super(m); this.name = 'OwnError' } }
exports.fails = async () => { throw new OwnError('this is wrong') }
exports.throws = () => { throw new OwnError('at once') }
exports.rejects_text = async () => { throw 'only text' }
exports.unhandled = async () => {
  Promise.reject(new Error('nobody waits'))
  await new Promise(r => setTimeout(r, 5000))
}
exports.uncaught = () => { setTimeout(() => { throw new OwnError('later') }, 1) }
exports.exits = async () => process.exit(3)
exports.sleeps = async () => new Promise(r => setTimeout(r, 60000))
exports.context = async (event, context) => ({
  ...context, remaining: context.getRemainingTimeInMillis(), runtime: process.env.AWS_EXECUTION_ENV
})
exports.nested = { handler: async () => 'nested' }
exports.value = 7
exports.circular = async () => { const a = {}; a.a = a; return a }
"""
FILES = {
    "index.js": COMMON_JS,
    "module.mjs": "import {b} from './lib/b.mjs'\nconst a = await Promise.resolve('top')\n"
    "export const handler = async () => [a, b]",
    "lib/b.mjs": "export const b = 'imported'",
    "esm/package.json": '{"type": "module"}',
    "esm/app.js": "export const handler = async () => import.meta.url.endsWith('app.js')",
    "broken.js": "exports.handler = async (",
    "lacking.js": "require('@aws-sdk/client-nothing')",
    "early.js": "throw new RangeError('while loading')",
}


@pytest.fixture
def invoke(runner: FunctionRunner) -> Callable[..., InvocationResult]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, text in FILES.items():
            target.writestr(name, text)

    def run(handler: str, event: Any = None, **settings: object) -> InvocationResult:
        function = version(handler, runtime="nodejs22.x", **settings)
        return runner.invoke(function, buffer.getvalue, json.dumps(event).encode(), request_id="request-1")

    return run


@needs_node
@pytest.mark.parametrize(
    ("handler", "event", "expected"),
    [
        ("index.echo", {"a": "ü"}, {"a": "ü"}),
        ("index.nothing", None, None),
        ("index.callback", {"a": 1}, {"called": 1}),
        ("index.succeed", None, "old style"),
        ("index.idle", None, None),
        ("index.impatient", None, "early"),
        ("index.nested.handler", None, "nested"),
        ("module.handler", None, ["top", "imported"]),
        ("esm/app.handler", None, True),
    ],
)
def test_handler_returns_its_result(
    invoke: Callable[..., InvocationResult], handler: str, event: Any, expected: Any
) -> None:
    result = invoke(handler, event)
    assert (json.loads(result.payload), result.function_error) == (expected, None), result.log


@needs_node
@pytest.mark.parametrize(
    ("handler", "error_type", "message"),
    [
        ("index.fails", "OwnError", "this is wrong"),
        ("index.throws", "OwnError", "at once"),
        ("index.rejects_text", "string", "only text"),
        ("index.failing_callback", "TypeError", "by callback"),
        ("index.uncaught", "OwnError", "later"),
        ("index.unhandled", "Runtime.UnhandledPromiseRejection", "Error: nobody waits"),
        ("index.exits", "Runtime.ExitError", "exit status 3"),
        ("index.sleeps", "Sandbox.Timedout", "Task timed out after 2.00 seconds"),
        ("index.circular", "Runtime.MarshalError", "Unable to stringify response body"),
        ("index.missing", "Runtime.HandlerNotFound", "index.missing is undefined or not exported"),
        ("index.value", "Runtime.HandlerNotFound", "index.value is not a function"),
        ("index", "Runtime.MalformedHandlerName", "Bad handler"),
        ("broken.handler", "Runtime.UserCodeSyntaxError", "SyntaxError"),
        ("absent.handler", "Runtime.ImportModuleError", "Cannot find module"),
        ("lacking.handler", "Runtime.ImportModuleError", "install @aws-sdk/client-nothing into"),
        ("early.handler", "RangeError", "while loading"),
    ],
)
def test_failure_becomes_an_error_document(
    invoke: Callable[..., InvocationResult], handler: str, error_type: str, message: str
) -> None:
    result = invoke(handler, timeout_seconds=2.0)
    document = json.loads(result.payload)
    assert result.function_error == "Unhandled"
    assert document["errorType"] == error_type
    assert message in document["errorMessage"]


@needs_node
def test_error_has_a_trace_and_the_environment_stays(invoke: Callable[..., InvocationResult]) -> None:
    assert invoke("index.counts").payload == b"1"
    trace = json.loads(invoke("index.fails").payload)["trace"]
    assert trace[0] == "OwnError: this is wrong"
    assert "/var/task/index.js" in trace[1]
    assert invoke("index.counts").payload == b"2"


@needs_node
def test_console_writes_the_log_with_the_request(invoke: Callable[..., InvocationResult]) -> None:
    lines = [line.split("\t") for line in invoke("index.echo", {"a": 1}).log.splitlines()]
    assert [line[1:] for line in lines] == [
        ["request-1", "INFO", "event { a: 1 }"],
        ["request-1", "ERROR", "to stderr"],
    ]


@needs_node
def test_context_is_that_of_lambda(invoke: Callable[..., InvocationResult]) -> None:
    context = json.loads(invoke("index.context", timeout_seconds=7.0).payload)
    assert context["awsRequestId"] == "request-1"
    assert (context["functionName"], context["functionVersion"]) == ("function", "$LATEST")
    assert context["memoryLimitInMB"] == "256"
    assert context["logGroupName"] == "/aws/lambda/function"
    assert context["invokedFunctionArn"].endswith(":function:function")
    assert 0 < context["remaining"] <= 7000
    assert context["runtime"] == "AWS_Lambda_nodejs22.x"


def test_runtimes_that_cannot_run_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    assert runtimes.why_not("python3.13") == ""
    for runtime in ("java21", "provided.al2023", "dotnet8", "ruby3.4", "go1.x"):
        assert "functions of Python and Node.js" in runtimes.why_not(runtime)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    assert "install Node.js" in runtimes.why_not("nodejs22.x")
