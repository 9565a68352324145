"""Whether a failed attempt is followed by another one.

https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html
"""

from __future__ import annotations

from stepline.localaws.batch.model import Attempt, Document


def may_retry(strategy: Document, attempt: Attempt, *, number: int) -> bool:
    """`number` of the attempt that failed, from 1. Of `evaluateOnExit` the first rule that fits decides."""
    if number >= strategy["attempts"]:
        return False
    for rule in strategy["evaluateOnExit"]:
        if _fits(rule, attempt):
            return str(rule["action"]).upper() == "RETRY"
    return True


def _fits(rule: Document, attempt: Attempt) -> bool:
    exit_code = "" if attempt.exit_code is None else str(attempt.exit_code)
    tested = {
        "onStatusReason": attempt.status_reason,
        "onReason": attempt.reason,
        "onExitCode": exit_code,
    }
    return all(_matches(rule[key], text) for key, text in tested.items() if key in rule)


def _matches(pattern: str, text: str) -> bool:
    """A pattern may end with `*`, and matches without regard to case."""
    pattern, text = pattern.lower(), text.lower()
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern
