"""Patches moto's parser: parsers share their state, escapes stay in texts, and reserved names are refused."""

from __future__ import annotations

import json
from typing import Any

from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.parse import preprocessor


def separate_parsers() -> None:
    """Give each parser its own stack of query languages; moto's share one, which an error leaves wrong."""

    def create(self: Any) -> None:
        self._query_language_per_scope = []

    preprocessor.Preprocessor.__init__ = create


def inherit_query_language_of_machine() -> None:
    """Let states have the machine's language by default; moto takes that of the Map or Parallel around them.

    So a JSONPath state may be inside of a JSONata Map. "'QueryLanguage' can not be 'JSONPath' if set to
    'JSONata' for whole state machine" [recorded answer of ValidateStateMachineDefinition].
    """

    def open_scope(self: Any, parse_tree: Any) -> None:
        declarations = (
            preprocessor.is_production(child, preprocessor.ASLParser.RULE_query_language_decl)
            for member in preprocessor.is_production(parse_tree).children
            for child in [member, *(getattr(member, "children", None) or [])]
        )
        declared = next((self.visit(found) for found in declarations if found), None)
        scopes = self._query_language_per_scope
        machine = scopes[0] if scopes else preprocessor.QueryLanguage()
        scopes.append(declared or machine)

    preprocessor.Preprocessor._open_query_language_scope = open_scope


def decode_texts() -> None:
    """Decode texts as JSON; moto leaves the escapes in most texts, and reads those of others as Python's."""
    inner_string = preprocessor.Preprocessor._inner_string_of

    def decoded(parser_rule_context: Any) -> Any:
        text = parser_rule_context.getText()
        if text.startswith('"') and text.endswith('"'):
            return json.loads(text)
        return inner_string(parser_rule_context)

    preprocessor.Preprocessor._inner_string_of = staticmethod(decoded)
    preprocessor.from_string_literal = decoded


def allow_reserved_error_names() -> None:
    """Allow names that begin with `States.`, as AWS does; moto fails while it handles such an error."""

    def create(self: Any, error_name: str | None) -> None:
        ErrorName.__init__(self, error_name)

    CustomErrorName.__init__ = create
