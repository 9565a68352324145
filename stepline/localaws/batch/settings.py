"""The limits and times of AWS Batch, Fargate and CloudWatch Logs, with their sources."""

from __future__ import annotations

MAX_DESCRIBED_JOBS = 100
"""The jobs of one DescribeJobs request [API reference]."""

MIN_TIMEOUT_SECONDS = 60
"""The smallest `attemptDurationSeconds` [JobTimeout, API reference]."""

MAX_ATTEMPTS = 10
"""The largest `attempts` of a retry strategy [RetryStrategy, API reference]."""

MAX_OVERRIDE_BYTES = 8192
"""The container overrides of a job, as JSON: ECS's limit [RunTask, ECS API reference]."""

MAX_ENDED_JOBS = 2_000
"""The ended jobs that are kept, the newest [ours]. AWS keeps them for a week."""

STOP_SECONDS = 30.0
"""From SIGTERM to SIGKILL [ECS developer guide, "stopTimeout" of Fargate]."""

DEFAULT_LOG_GROUP = "/aws/batch/job"
"""The log group of jobs whose definition names none [user guide, "Use the awslogs log driver"]."""
