"""Finds a job of AWS Batch and its log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_batch.type_defs import JobDetailTypeDef, JobSummaryTypeDef

DEFAULT_LOG_GROUP = "/aws/batch/job"
"""For job definitions that name no log group [AWS Batch user guide, "Use the awslogs log driver"]."""

_JOB_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FINAL = frozenset({"SUCCEEDED", "FAILED"})


@dataclass(frozen=True)
class BatchJob:
    """A job; `log_streams` has one for each attempt that was started."""

    id: str
    name: str
    status: str
    status_reason: str
    created_at: datetime
    log_group: str
    log_streams: tuple[str, ...]

    @property
    def has_ended(self) -> bool:
        return self.status in _FINAL


def is_job_id(text: str) -> bool:
    return _JOB_ID.fullmatch(text) is not None


def find_job(batch: BatchClient, id_or_name: str) -> BatchJob:
    """Return the job with that id, or the newest job of that name in any queue. Raises UsageError."""
    job_id = id_or_name if is_job_id(id_or_name) else _find_newest_of_name(batch, id_or_name)
    if job_id is None:
        raise UsageError(
            f"job {id_or_name!r} does not exist: `aws batch list-jobs` lists the jobs of a queue"
        )
    return read_job(batch, job_id)


def read_job(batch: BatchClient, job_id: str) -> BatchJob:
    """Return the job. Raises UsageError if AWS Batch does not know it (any more)."""
    jobs = batch.describe_jobs(jobs=[job_id])["jobs"]
    if not jobs:
        raise UsageError(f"job {job_id} does not exist; AWS Batch deletes jobs some days after their end")
    return _job(jobs[0])


def list_jobs(batch: BatchClient, since: datetime) -> list[JobSummaryTypeDef]:
    """Return the jobs of all queues that were created after `since`, the newest first."""
    jobs = _list_jobs(batch, "AFTER_CREATED_AT", str(int(since.timestamp() * 1000)))
    return sorted(jobs, key=lambda job: job.get("createdAt", 0), reverse=True)


def _find_newest_of_name(batch: BatchClient, name: str) -> str | None:
    found = [(job.get("createdAt", 0), job["jobId"]) for job in _list_jobs(batch, "JOB_NAME", name)]
    return max(found)[1] if found else None


def _list_jobs(batch: BatchClient, filter_name: str, value: str) -> Iterator[JobSummaryTypeDef]:
    for page in batch.get_paginator("describe_job_queues").paginate():
        for queue in page["jobQueues"]:
            parts = batch.get_paginator("list_jobs").paginate(
                jobQueue=queue["jobQueueName"], filters=[{"name": filter_name, "values": [value]}]
            )
            for part in parts:
                yield from part["jobSummaryList"]


def _job(detail: JobDetailTypeDef) -> BatchJob:
    container = detail.get("container", {})
    options = container.get("logConfiguration", {}).get("options", {})
    attempts = [attempt.get("container", {}) for attempt in detail.get("attempts", [])]
    streams = [item["logStreamName"] for item in [*attempts, container] if item.get("logStreamName")]
    return BatchJob(
        id=detail["jobId"],
        name=detail["jobName"],
        status=detail["status"],
        status_reason=detail.get("statusReason", ""),
        created_at=datetime.fromtimestamp(detail.get("createdAt", 0) / 1000, UTC),
        log_group=options.get("awslogs-group", DEFAULT_LOG_GROUP),
        log_streams=tuple(dict.fromkeys(streams)),
    )
