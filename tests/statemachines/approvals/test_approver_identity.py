"""Who answers a request for approval: the signature of the command line, verified as STS does it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.credentials import Credentials

from statemachines.approvals.approver_identity import Proof, identify
from statemachines.approvals.errors import ApprovalRefusedError
from stepline.aws.change_approvals import proof_of_identity
from stepline.aws.target import Target
from stepline.core import clients
from stepline.core.approvals import ANSWER_HEADER, ApprovalAnswer, Decision
from stepline.core.fields import Fields
from tests.fakes.s3 import Body

REGION = "eu-west-1"
SECRET = "mary's secret key"
TOKEN = "mary's session token"
MARY = "arn:aws:sts::123456789012:assumed-role/approvers/mary"
ANSWER = ApprovalAnswer(
    "arn:aws:dynamodb:eu-west-1:123456789012:table/stepline-deploy-approvals",
    "0123456789ab-1",
    Decision.APPROVE,
    "the queue is empty",
)
_RESULT = "<GetCallerIdentityResult><Arn>{}</Arn></GetCallerIdentityResult>"
_IDENTITY = f"<GetCallerIdentityResponse>{_RESULT}</GetCallerIdentityResponse>"
_CODE = "<Code>SignatureDoesNotMatch</Code>"
_ERROR = f"<ErrorResponse><Error>{_CODE}<Message>signed: {{}}</Message></Error></ErrorResponse>"


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The function's client; the other end verifies the signature with the secret key of the approver."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", "regional")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    client: Any = clients.unsigned_sts.__wrapped__()
    client.meta.events.register("before-send.sts.GetCallerIdentity", _respond)
    return client


def _respond(request: AWSPreparedRequest, **_rest: object) -> AWSResponse:
    is_valid = _signature(request) == _text(request.headers["Authorization"]).rpartition("Signature=")[2]
    status, body = (200, _IDENTITY.format(MARY)) if is_valid else (403, _ERROR.format(TOKEN))
    return AWSResponse(str(request.url), status, {}, Body(body.encode()))  # type: ignore[arg-type]


def _signature(request: AWSPreparedRequest) -> str:
    """Compute the signature of the request that was sent, over the headers that it says are signed."""
    sent = {name.lower(): _text(value) for name, value in request.headers.items()}
    signed = sent["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    auth = SigV4Auth(Credentials("MARY", SECRET, TOKEN), "sts", REGION)
    copy = AWSRequest("POST", request.url, data=request.body)
    copy.context["timestamp"] = sent["x-amz-date"]
    for name in signed:
        if name != "host":
            copy.headers[name] = sent.get(name, "")
    text: str = auth.signature(auth.string_to_sign(copy, auth.canonical_request(copy)), copy)
    return text


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def proof_of(answer: ApprovalAnswer, secret: str = SECRET) -> Proof:
    session = boto3.Session("MARY", secret, TOKEN, region_name=REGION)
    proof = proof_of_identity(Target(session, None, REGION, None, False), answer)
    assert not any(secret in text for text in proof.values())
    return Proof.parse(Fields(proof, "the proof"))


def test_signer_of_the_answer_is_known(sts: Any) -> None:
    assert identify(sts, proof_of(ANSWER), ANSWER) == MARY


@pytest.mark.parametrize(
    "other",
    [
        replace(ANSWER, decision=Decision.REJECT),
        replace(ANSWER, approval_id="ba9876543210-1"),
        replace(ANSWER, reason="something else"),
        replace(ANSWER, table_arn="arn:aws:dynamodb:eu-west-1:210987654321:table/stepline-deploy-approvals"),
    ],
    ids=["decision", "request", "reason", "installation"],
)
def test_proof_of_another_answer_is_refused(sts: Any, other: ApprovalAnswer) -> None:
    with pytest.raises(ApprovalRefusedError, match="AWS did not confirm who you are"):
        identify(sts, proof_of(other), ANSWER)


def test_signature_with_another_key_is_refused_without_the_message_of_sts(sts: Any) -> None:
    with pytest.raises(ApprovalRefusedError) as caught:
        identify(sts, proof_of(ANSWER, "somebody else's secret key"), ANSWER)
    assert "SignatureDoesNotMatch" in caught.value.message
    assert TOKEN not in caught.value.message
    assert caught.value.__cause__ is None


def test_proof_that_does_not_sign_the_answer_is_refused(sts: Any) -> None:
    """Any request for GetCallerIdentity that somebody has signed would do, such as the token of EKS."""
    proof = proof_of(ANSWER)
    without = replace(proof, authorization=proof.authorization.replace(f";{ANSWER_HEADER}", ""))
    with pytest.raises(ApprovalRefusedError, match=f"does not sign the header {ANSWER_HEADER}"):
        identify(sts, without, ANSWER)


def test_proof_is_sent_only_once(sts: Any) -> None:
    """A later request of the same client has no headers of an earlier approver."""
    identify(sts, proof_of(ANSWER), ANSWER)
    with pytest.raises(KeyError):
        sts.get_caller_identity()


def test_digest_separates_its_parts() -> None:
    first, second = replace(ANSWER, reason="a"), replace(ANSWER, reason="")
    assert first.digest != second.digest
    assert len(first.digest) == len(hashlib.sha256().hexdigest())
