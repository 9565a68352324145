"""Print, as JSON, how ministack's services behave without the mends."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import sys
from pathlib import Path
from typing import Any

from stepline.localaws.emulators.ministack import application


def facts(directory: Path) -> dict[str, Any]:
    application.load(port=4566, directory=directory, region="us-east-1", account_id="000000000000")
    from ministack import app  # noqa: PLC0415
    from ministack.core import iam_actions  # noqa: PLC0415
    from ministack.services import eventbridge, lambda_svc, s3, stepfunctions, sts  # noqa: PLC0415
    from ministack.services.cloudformation import provisioners  # noqa: PLC0415

    warnings: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: warnings.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("events").addHandler(handler)
    logging.getLogger("ministack").addHandler(handler)
    eventbridge.logger.addHandler(handler)
    eventbridge.logger.setLevel(logging.DEBUG)
    pipeline = "arn:aws:codepipeline:us-east-1:000000000000:p"
    rule = {"Name": "r", "Arn": "arn:aws:events:us-east-1:000000000000:rule/r"}
    event = {"Source": "s", "DetailType": "d", "Detail": "{}", "EventId": "1", "Time": "2026-01-01T00:00:00Z"}
    eventbridge._invoke_target({"Id": "1", "Arn": pipeline}, event, rule)
    put = eventbridge._put_events(
        {"Entries": [{"Source": "aws.codecommit", "DetailType": "d", "Detail": "{}"}]}
    )
    bucket, machine = _resources(provisioners)
    sts.register_session("expired", {"Expiration": 1.0})
    sts.register_session("another", {})
    history = inspect.getsource(stepfunctions._add_event)
    return {
        "services": sorted({"codecommit", "codepipeline", "states"} & app.SERVICE_HANDLERS.keys()),
        "resource types": sorted(
            {"AWS::CodeCommit::Repository", "AWS::CodePipeline::Pipeline"}
            & provisioners._RESOURCE_HANDLERS.keys()
        ),
        "pipeline target": [text for text in warnings if pipeline in text],
        "aws source": json.loads(put[2])["FailedEntryCount"],
        "handler errors": "Runtime.HandlerError" in inspect.getsource(lambda_svc._execute_function_warm),
        "bucket encryption": s3._bucket_default_sse_headers(bucket),
        "tracing": stepfunctions._state_machines[machine].get("tracingConfiguration"),
        "expired session": "expired" in sts._sessions,
        "actions of": sorted({"codecommit", "codepipeline"} & iam_actions.SERVICE_TO_IAM_NAMESPACE.keys()),
        "previous event ids": "previousEventId" in history,
    }


def _resources(provisioners: Any) -> tuple[str, str]:
    """Create a bucket and a state machine as CloudFormation does; return their physical ids."""
    encryption = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"}}
    bucket = {"BucketEncryption": {"ServerSideEncryptionConfiguration": [encryption]}}
    machine = {"DefinitionString": "{}", "TracingConfiguration": {"Enabled": True}}
    handlers = provisioners._RESOURCE_HANDLERS
    return (
        handlers["AWS::S3::Bucket"]["create"]("Bucket", bucket, "stack")[0],
        handlers["AWS::StepFunctions::StateMachine"]["create"]("Machine", machine, "stack")[0],
    )


if __name__ == "__main__":

    async def main() -> None:
        sys.stdout.write(json.dumps(facts(Path(sys.argv[1]))))

    asyncio.run(main())
