"""Limits of approvals, each with its unit and source: [doc] the AWS documentation, [ours] a choice."""

from __future__ import annotations

from typing import Final

MAX_APPROVAL_MINUTES: Final = 1_320
"""Of the wait for an approval [ours]: 22 of the 24 hours after which a pipeline action ends, so that the
deployment itself has time, too."""

DEFAULT_APPROVAL_MINUTES: Final = 480
"""Of the wait for an approval, if nothing else is set [ours]: a working day."""

MAX_MAIL_CHARACTERS: Final = 60_000
"""Of the message of a request for approval [ours]. SNS allows 262,144 bytes, of which a character can have
four (Publish, API reference [doc])."""

MAX_SUBJECT_CHARACTERS: Final = 99
"""`Subject` of a message: ASCII without line breaks, "less than 100 characters" (Publish, API reference
[doc])."""

APPROVAL_RETENTION_DAYS: Final = 30
"""Until an answered request is deleted from the table [ours]. The execution's history lasts 90 days."""

MAX_PROOF_CHARACTERS: Final = 16_384
"""Of each header of an approver's proof [ours]; STS does not limit the length of a session token."""
