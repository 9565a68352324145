"""The environment variables of the worker, as the template sets them."""

from __future__ import annotations

from tests.pipeline.world import ACCOUNT, MACHINE

OPEN_JOBS = "open-jobs"

WORKER_ENVIRONMENT = {
    "STATE_MACHINE_ARN": MACHINE,
    "ACTION_CATEGORY": "Invoke",
    "ACTION_PROVIDER": "Stepline",
    "ACTION_VERSION": "1",
    "OPEN_JOBS_TABLE": OPEN_JOBS,
    "SCHEDULE_GROUP": "stepline-timeouts",
    "SCHEDULE_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/stepline-schedule",
    "WORKER_ARN": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:stepline-worker",
}
