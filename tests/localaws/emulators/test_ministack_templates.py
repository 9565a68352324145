"""Templates parsed with libyaml equal those parsed by ministack, which still needs this patch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[3]

PROGRAM = """
import sys
from pathlib import Path
import yaml
from ministack.services.cloudformation import engine
from stepline.localaws.emulators.ministack.cloudformation import templates

assert not issubclass(engine.CfnLoader, yaml.CSafeLoader), "ministack uses libyaml: the patch is not needed"
texts = [Path(name).read_text() for name in sys.argv[1:]]
texts.append("X: {A: !GetAtt B.C.D, E: !GetAtt [F, G], H: 2026-01-01, J: !Base64 yes}")
texts.append("X: !Sub [a, {b: !Ref c}]")
slow = [engine._parse_template(text) for text in texts]
templates.parse_templates_with_libyaml()
assert issubclass(engine.CfnLoader, yaml.CSafeLoader)
assert [engine._parse_template(text) for text in texts] == slow
short = "X: !Not [!Contains [!RefAll a, !Transform {Name: b}]]"
try:
    engine._parse_template(short)
except yaml.YAMLError:
    templates.parse_all_short_functions()
    expected = {"X": {"Fn::Not": [{"Fn::Contains": [{"Fn::RefAll": "a"}, {"Fn::Transform": {"Name": "b"}}]}]}}
    assert engine._parse_template(short) == expected
else:
    raise AssertionError("ministack knows all short forms: parse_all_short_functions is not needed")
"""


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML was built without libyaml")
def test_libyaml_parses_the_same_templates() -> None:
    templates = [str(PROJECT / "template.yaml"), str(PROJECT / "app/template.yaml")]
    subprocess.run([sys.executable, "-c", PROGRAM, *templates], cwd=PROJECT, check=True)
