"""Decides whether a failed attempt of a job is retried.

https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html
"""

from __future__ import annotations

from stepline.localaws.batch.models import Attempt, Document


def may_retry(strategy: Document, attempt: Attempt, *, attempt_number: int) -> bool:
    """Return whether to retry the attempt, the first being number 1.

    The first rule of `evaluateOnExit` that matches decides; without one, the attempt is retried.
    """
    if attempt_number >= strategy["attempts"]:
        return False
    for rule in strategy["evaluateOnExit"]:
        if _rule_matches(rule, attempt):
            return str(rule["action"]).upper() == "RETRY"
    return True


def _rule_matches(rule: Document, attempt: Attempt) -> bool:
    values = {
        "onStatusReason": attempt.status_reason,
        "onReason": attempt.reason,
        "onExitCode": "" if attempt.exit_code is None else str(attempt.exit_code),
    }
    return all(_matches(rule[key], value) for key, value in values.items() if key in rule)


def _matches(pattern: str, value: str) -> bool:
    """Match without regard to case; a pattern may end with `*`."""
    pattern, value = pattern.lower(), value.lower()
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern
