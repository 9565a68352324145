"""Runs the local AWS with CodePipeline's intervals of this benchmark, and measures its functions.

`python -m benchmarks.waiting.measured_local_aws` takes the options of `python -m stepline.localaws`.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from typing import Any

from benchmarks.waiting.hour import POLL_SECONDS
from stepline.localaws import __main__ as program
from stepline.localaws import server
from stepline.localaws.codepipeline import CodePipeline, Settings
from stepline.localaws.codepipeline.actions.lambda_invoke import LambdaInvokeAction
from stepline.localaws.functions import FunctionRunner, FunctionVersion
from stepline.localaws.wiring import services

PATH = "/_waiting/seconds"
"""Returns the seconds of each invocation so far, by function."""

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

_seconds: dict[str, list[float]] = defaultdict(list)


class MeasuredRunner(FunctionRunner):
    """Measures each invocation: on AWS its billed duration."""

    def invoke(self, function: FunctionVersion, *args: Any, **kwargs: Any) -> Any:
        begin = time.perf_counter()
        try:
            return super().invoke(function, *args, **kwargs)
        finally:
            _seconds[function.name].append(time.perf_counter() - begin)


def main() -> None:
    create_app, create_job = server.create_app, LambdaInvokeAction.next_job

    def create_measured_app(*args: Any, **kwargs: Any) -> Any:
        app = create_app(*args, **kwargs)

        async def measured(scope: MutableMapping[str, Any], receive: Any, send: Send) -> None:
            if scope["type"] == "http" and scope["path"] == PATH:
                await _send_seconds(send)
            else:
                await app(scope, receive, send)

        return measured

    def create_slow_codepipeline(*args: Any, **kwargs: Any) -> CodePipeline:
        settings = replace(kwargs["settings"], poll_seconds=POLL_SECONDS)
        return CodePipeline(*args, **{**kwargs, "settings": settings})

    def create_job_later(*args: Any) -> None:
        timer = threading.Timer(POLL_SECONDS - Settings().continuation_seconds, create_job, args)
        timer.daemon = True
        timer.start()

    for owner, name, replacement in (
        (server, "create_app", create_measured_app),
        (services, "FunctionRunner", MeasuredRunner),
        (services, "CodePipeline", create_slow_codepipeline),
        (LambdaInvokeAction, "next_job", create_job_later),
    ):
        setattr(owner, name, replacement)
    program.main()


async def _send_seconds(send: Send) -> None:
    body = json.dumps(_seconds).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    main()
