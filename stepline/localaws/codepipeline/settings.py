"""How long CodePipeline and Lambda wait, how much they keep: what AWS documents, and what it does not.

A setting is something that AWS leaves open, or that a test wants to shorten. A limit that
AWS documents is a constant, with its source.
"""

from __future__ import annotations

from dataclasses import dataclass

# https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html
MAX_OUTPUT_VARIABLES_BYTES = 122_880
"""Names and values of one action's output variables together, in UTF-8."""

MAX_CONCURRENT_EXECUTIONS = 50
"""Executions in progress at once, per pipeline, in the modes QUEUED and PARALLEL."""

MAX_STAGES = 50
MAX_ACTIONS_PER_STAGE = 50
MAX_TAGS = 50

# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
LAMBDA_EVENT_MAX_AGE_SECONDS = 6 * 3600.0
"""Lambda drops an asynchronous event that it could not deliver for so long."""
LAMBDA_BACKOFF_FIRST_SECONDS = 1.0
LAMBDA_BACKOFF_LAST_SECONDS = 300.0
"""Throttled or failing inside Lambda: the event goes back to the queue, for 1 s up to 5 min."""

CREDENTIALS_SECONDS = 3600
"""Life of the artifact credentials: the longest that STS gives to a service that chains roles."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the stand-in can be told; the defaults are AWS's, as far as AWS says.

    `continuation_seconds`: from the answer with a continuation token to the next job. AWS says
    only "periodically"; locally one second keeps a developer from waiting.
    `retry_seconds`: Lambda's waits before it runs an event again that ended in an error.
    `job_timeout_seconds`: a job without an answer; each continuation restarts it.
    `action_timeout_seconds`: an action, all its jobs together, unless it declares `timeoutInMinutes`.
    `approval_timeout_seconds`: a manual approval, likewise.
    `kept_executions`: finished executions that a pipeline remembers (AWS: 12 months).
    `kept_jobs_per_action`: finished jobs that an action remembers; a later answer to an older one
    meets JobNotFoundException instead of InvalidJobStateException.
    `start_on_create`: AWS starts a pipeline when it is created, source or no source.
    `identifier_seed`: makes every id reproducible, for simulations.
    """

    continuation_seconds: float = 1.0
    retry_seconds: tuple[float, ...] = (60.0, 120.0)
    job_timeout_seconds: float = 20 * 60.0
    action_timeout_seconds: float = 24 * 3600.0
    approval_timeout_seconds: float = 7 * 24 * 3600.0
    kept_executions: int = 200
    kept_jobs_per_action: int = 1000
    kept_versions: int = 100
    start_on_create: bool = True
    identifier_seed: int | None = None
