"""The event that AWS Batch publishes when the status of a job changes.

https://docs.aws.amazon.com/batch/latest/userguide/batch_job_events.html
"""

from __future__ import annotations

from datetime import datetime

from stepline.localaws.batch.models import Job
from stepline.localaws.batch.names import Arns
from stepline.localaws.batch.responses import job_detail
from stepline.localaws.events import AwsEvent


def job_state_change(job: Job, arns: Arns, time: datetime) -> AwsEvent:
    """Return the event for the job's present status; its detail is what DescribeJobs returns."""
    return AwsEvent("aws.batch", "Batch Job State Change", job_detail(job, arns), time, (job.arn,))
