"""Tokens, settings and failure types."""

from __future__ import annotations

import pytest

from pipeline.continuation import Continuation, read_token, write_token
from pipeline.errors import ActionParametersError
from pipeline.settings import load_settings
from stepline.core.errors import SettingsError
from stepline.core.executions.arns import ExecutionArn, MachineArn
from tests.pipeline.world import EXPRESS, MACHINE

NOW = 1_800_000_000
JOB = "11111111-abcd-4111-8111-abcdef000001"
LONGEST = MachineArn("aws-us-gov", "us-gov-west-1", "0" * 12, "m" * 80).execution(f"codepipeline-{JOB}")


class TestToken:
    @pytest.mark.parametrize(
        "continuation",
        [
            Continuation(JOB, NOW),
            Continuation(JOB, NOW, LONGEST, NOW + 5, 42),
            Continuation(JOB, NOW, LONGEST, NOW + 5, 42, stop_requested=NOW + 60),
        ],
    )
    def test_token_is_read_as_it_was_written(self, continuation: Continuation) -> None:
        token = write_token(continuation)
        assert len(token) <= 2048
        assert write_token(read_token(token, NOW)) == token

    def test_token_of_the_previous_version_is_read(self) -> None:
        token = f'{{"v":1,"job":"{JOB}","since":{NOW},"percent":42,"execution":"{LONGEST}","started":{NOW}}}'
        assert read_token(token, NOW) == Continuation(
            JOB, NOW, ExecutionArn.parse(str(LONGEST)), NOW, 42, stop_requested=None
        )


class TestSettings:
    def test_default_settings(self) -> None:
        settings = load_settings({"STATE_MACHINE_ARN": MACHINE})
        assert str(settings.default_machine) == MACHINE
        assert (settings.show_progress, settings.express_claims_bucket) == (True, None)

    @pytest.mark.parametrize(
        ("environment", "message"),
        [
            ({}, "STATE_MACHINE_ARN is not set"),
            ({"STATE_MACHINE_ARN": "deploy"}, "STATE_MACHINE_ARN must be the ARN"),
            ({"STATE_MACHINE_ARN": MACHINE, "ALLOWED_STATE_MACHINE_ARNS": "x"}, "ALLOWED_STATE_MACHINE_ARNS"),
            ({"STATE_MACHINE_ARN": MACHINE, "SHOW_PROGRESS": "maybe"}, "SHOW_PROGRESS.*true or false"),
        ],
    )
    def test_invalid_variable_is_named(self, environment: dict[str, str], message: str) -> None:
        with pytest.raises(SettingsError, match=message):
            load_settings(environment)

    def test_version_or_alias_is_selected_by_its_qualified_name(self) -> None:
        settings = load_settings(
            {"STATE_MACHINE_ARN": MACHINE, "ALLOWED_STATE_MACHINE_ARNS": f"{MACHINE}:live,{EXPRESS},"}
        )
        assert str(settings.machine("deploy:live")) == f"{MACHINE}:live"
        assert settings.machine(None).qualifier is None
        assert str(settings.machine("deploy:live").execution("x")) == str(
            settings.machine(None).execution("x")
        )

    @pytest.mark.parametrize("name", ["quick:live", "quick:3", f"{EXPRESS}:live"])
    def test_version_or_alias_of_an_allowed_state_machine_is_accepted(self, name: str) -> None:
        """IAM authorizes versions and aliases by the state machine's ARN, so the list need not hold them."""
        settings = load_settings({"STATE_MACHINE_ARN": MACHINE, "ALLOWED_STATE_MACHINE_ARNS": EXPRESS})
        machine = settings.machine(name)
        assert (machine.base, machine.qualifier) == (EXPRESS, name.rpartition(":")[2])

    @pytest.mark.parametrize(
        "name", ["deploy:live", f"{MACHINE}:live", "quick:", "quick:a:b", "quick:a b", ":a"]
    )
    def test_version_or_alias_of_another_state_machine_is_rejected(self, name: str) -> None:
        settings = load_settings({"STATE_MACHINE_ARN": MACHINE, "ALLOWED_STATE_MACHINE_ARNS": EXPRESS})
        with pytest.raises(ActionParametersError, match="is not on the function's list"):
            settings.machine(name)

    def test_listed_alias_allows_no_other_alias(self) -> None:
        others = f"{EXPRESS}:live"
        settings = load_settings({"STATE_MACHINE_ARN": MACHINE, "ALLOWED_STATE_MACHINE_ARNS": others})
        assert str(settings.machine("quick:live")) == others
        with pytest.raises(ActionParametersError, match="is not on the function's list"):
            settings.machine("quick:test")

    def test_name_in_two_regions_is_rejected_and_its_arn_is_accepted(self) -> None:
        other = MACHINE.replace("eu-west-1", "us-east-1")
        settings = load_settings({"STATE_MACHINE_ARN": MACHINE, "ALLOWED_STATE_MACHINE_ARNS": other})
        assert str(settings.machine(other)) == other
        with pytest.raises(Exception, match="use the ARN"):
            settings.machine("deploy")
