"""Service principals, also of one region.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from __future__ import annotations

import pytest

from stepline.localaws.iam.principals import Caller, PrincipalElement

STATES = Caller("", "000000000000", service="states.amazonaws.com")


@pytest.mark.parametrize(
    ("named", "names"),
    [
        ("states.amazonaws.com", True),
        ("states.eu-west-1.amazonaws.com", True),
        ("states.us-gov-west-1.amazonaws.com", True),
        ("lambda.eu-west-1.amazonaws.com", False),
        ("states.eu-west-1.example.com", False),
    ],
)
def test_service_is_named_with_or_without_its_region(named: str, names: bool) -> None:
    assert PrincipalElement.parse({"Service": [named]}).names(STATES) == names
