"""Parses definitions: fields that moto's grammar lacks are kept aside, and attached to the states again."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

from moto.stepfunctions.parser.asl.component.common.payload.payloadvalue.payloadtmpl import payload_tmpl
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.static_analyser.express_static_analyser import ExpressStaticAnalyser

from stepline.localaws.emulators.moto.locations import name_expressions
from stepline.localaws.stepfunctions.models import MachineType

_READER_FIELDS = ("MaxItems", "MaxItemsPath")
"""Of `ReaderConfig`, what moto evaluates. The local AWS reads the items itself (`map_items.py`)."""


_TEMPLATES = ("ItemSelector", "Parameters", "ResultSelector")

LIST = "stepline:list"
"""The member of a template that stands for a list, since moto's grammar knows templates that are objects."""


def evaluate_templates_that_are_lists() -> None:
    """Evaluate `Parameters` and other templates that are lists, which moto refuses."""
    original = payload_tmpl.PayloadTmpl._eval_body

    def evaluate(self: Any, env: Any) -> None:
        original(self, env)
        value = env.stack[-1]
        if value.keys() == {LIST}:
            env.stack[-1] = value[LIST]

    payload_tmpl.PayloadTmpl._eval_body = evaluate


def parse(definition: str, machine_type: MachineType) -> Any:
    """Return the program of a definition. Raises any error of the parser, ValueError if it is not JSON.

    Each Map state has its definition as `declared`.
    """
    document = json.loads(definition)
    simplified = copy.deepcopy(document)
    for _, state in _states(simplified):
        _simplify(state)
    program, tree = AmazonStateLanguageParser.parse(json.dumps(simplified, ensure_ascii=False))
    if machine_type is MachineType.EXPRESS:
        ExpressStaticAnalyser().visit(tree)
    _attach(program.states.states, document)
    return program


def _states(machine: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield all states of a machine and of the machines in it."""
    states = machine.get("States") if isinstance(machine, dict) else None
    for name, state in states.items() if isinstance(states, dict) else ():
        if isinstance(state, dict):
            yield name, state
            for inner in _machines(state):
                yield from _states(inner)


def _machines(state: Mapping[str, Any]) -> list[Any]:
    branches = state.get("Branches")
    inner = list(branches) if isinstance(branches, list) else []
    return [*inner, *(state[name] for name in ("ItemProcessor", "Iterator") if name in state)]


def _simplify(state: dict[str, Any]) -> None:
    """Change a state so that moto's grammar accepts it."""
    for field in _TEMPLATES:
        if isinstance(state.get(field), list):
            state[field] = {LIST: state[field]}
    if state.get("Type") != "Map":
        return
    state.pop("ItemBatcher", None)
    for processor in (state.get("ItemProcessor"), state.get("Iterator")):
        config = processor.get("ProcessorConfig") if isinstance(processor, dict) else None
        if isinstance(config, dict) and config.get("ExecutionType") == "EXPRESS":
            config["ExecutionType"] = "STANDARD"
    reader = state.get("ItemReader")
    if isinstance(reader, dict) and isinstance(config := reader.pop("ReaderConfig", None), dict):
        kept = {name: config[name] for name in _READER_FIELDS if name in config}
        reader["ReaderConfig"] = {"InputType": "JSON", **kept}
    writer = state.get("ResultWriter")
    if isinstance(writer, dict) and "WriterConfig" in writer:
        raise ValueError("The local AWS does not support the WriterConfig of a ResultWriter")
    percentage = state.get("ToleratedFailurePercentage")
    if isinstance(percentage, int):
        state["ToleratedFailurePercentage"] = float(percentage)


def _attach(components: Mapping[str, Any], machine: Mapping[str, Any]) -> None:
    """Attach the definitions of Map states, and name the fields of expressions."""
    for name, component in components.items():
        state = machine["States"][name]
        name_expressions(component)
        if state["Type"] == "Map":
            component.declared = component.iteration_component.declared = state
            if component.item_reader:
                component.item_reader.declared = state["ItemReader"]
            inner = state.get("ItemProcessor", state.get("Iterator"))
            _attach(component.iteration_component._states.states, inner)
        if state["Type"] == "Parallel":
            for program, branch in zip(component.branches.programs, state["Branches"], strict=True):
                _attach(program.states.states, branch)
