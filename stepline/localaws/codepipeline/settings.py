"""Limits that AWS documents, as constants, and settings for what AWS leaves open or tests shorten."""

from __future__ import annotations

from dataclasses import dataclass

from stepline.core.limits import MIB

# https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html
MAX_OUTPUT_VARIABLES_BYTES = 122_880
"""Names and values of one action's output variables together, as UTF-8."""

MAX_CONCURRENT_EXECUTIONS = 50
"""Executions in progress at once, per pipeline, in the modes QUEUED and PARALLEL."""

MAX_STAGES = 50
MAX_ACTIONS_PER_STAGE = 50
MAX_TAGS = 50

MAX_CUSTOM_ACTION_TYPES = 50
"""Custom action types of an account in a region."""

MAX_QUERYABLE_CHARACTERS = 20
"""Of the value of a queryable configuration property [ActionConfigurationProperty]."""

# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
LAMBDA_MAX_RETRIES = 2
LAMBDA_EVENT_MAX_AGE_SECONDS = 6 * 3600.0
"""Maximum age of an asynchronous event: Lambda drops it if it was not delivered by then."""
LAMBDA_BACKOFF_FIRST_SECONDS = 1.0
LAMBDA_BACKOFF_LAST_SECONDS = 300.0
"""Delay of an event that was throttled or met an error of Lambda's own: from 1 s up to 5 min."""

CLOUDFORMATION_TIMEOUT_SECONDS = 3 * 24 * 3600.0
STEP_FUNCTIONS_TIMEOUT_SECONDS = 7 * 24 * 3600.0
S3_DEPLOY_TIMEOUT_SECONDS = 90 * 60.0
"""Of an action of these types, https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html."""

CODEBUILD_TIMEOUT_SECONDS = 36 * 3600.0
"""Maximum duration of a CodeBuild action [quotas]."""
COMMANDS_TIMEOUT_MINUTES = 55
"""Maximum duration of a Commands action [action reference]."""

SPOOLED_BYTES = 8 * MIB
"""A zip up to this size stays in memory; a larger one is written to a temporary file."""

CREDENTIALS_SECONDS = 3600
"""Duration of the artifact credentials: the maximum of STS for role chaining."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The defaults are AWS's, where AWS documents them.

    `continuation_seconds`: from a result with a continuation token to the next job. AWS documents only
    "periodically".
    `poll_seconds`: between two requests for the state of work in another service (AWS does not document it).
    `retry_seconds`: Lambda's delays before it sends an event again on which the function failed.
    `job_timeout_seconds`: of a job without a result; each continuation restarts it.
    `lambda_timeout_seconds`: of a Lambda action, all its jobs together.
    `queue_seconds`: from the event that a custom action has started until its job can be polled.
    `acknowledge_seconds`: from PollForJobs until a job that was not acknowledged is handed out again. AWS
    does it, but does not document when.
    `custom_timeout_seconds`: of a custom action, all its jobs together; its jobs have no clock of their own.
    `action_timeout_seconds`: of any other action.
    `approval_timeout_seconds`: of a manual approval, unless it declares `timeoutInMinutes`.
    `kept_executions`: finished executions that are kept for each pipeline (AWS: 12 months).
    `kept_jobs_per_action`: jobs that are kept for each action; a result for an older one raises
    JobNotFoundException instead of InvalidJobStateException.
    `kept_versions`: versions that are kept of each pipeline.
    `start_on_create`: AWS starts a pipeline when it is created.
    `identifier_seed`: makes every id reproducible, for simulations.
    """

    continuation_seconds: float = 1.0
    poll_seconds: float = 1.0
    retry_seconds: tuple[float, ...] = (60.0, 120.0)
    job_timeout_seconds: float = 20 * 60.0
    lambda_timeout_seconds: float = 24 * 3600.0
    queue_seconds: float = 0.0
    acknowledge_seconds: float = 60.0
    custom_timeout_seconds: float = 24 * 3600.0
    action_timeout_seconds: float = 3600.0
    approval_timeout_seconds: float = 7 * 24 * 3600.0
    kept_executions: int = 200
    kept_jobs_per_action: int = 1000
    kept_versions: int = 100
    start_on_create: bool = True
    identifier_seed: int | None = None
