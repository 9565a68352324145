"""Macros of CloudFormation templates, which ministack records and never runs."""

from __future__ import annotations

import contextvars
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from ministack import app
from ministack.core import responses, router
from ministack.core.concurrency import run_reentrant
from ministack.services.cloudformation import changesets, engine, handlers, helpers

from stepline.localaws.cloudformation.macros import (
    Expansion,
    MacroError,
    Template,
    custom_macros,
)
from stepline.localaws.cloudformation.names import Arns
from stepline.localaws.emulators import ministack_iam, ministack_stack_roles
from stepline.localaws.emulators.ministack_cloudformation import Properties, Resource, _add_type, _refuse
from stepline.localaws.iam import AccessDeniedError, Enforcement, Permission
from stepline.localaws.service_roles import ServiceRoles

_TYPE = "AWS::CloudFormation::Macro"
_CREATE_CHANGE_SET = "CreateChangeSet"
_EXPANDING = frozenset({"CreateStack", "UpdateStack", _CREATE_CHANGE_SET})
_AUTO_EXPAND = "CAPABILITY_AUTO_EXPAND"
_OK = 200
_NOTHING_YET = {"Placeholder": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}

Answer = tuple[int, dict[str, str], bytes]
_processed: contextvars.ContextVar[Template | None] = contextvars.ContextVar("processed", default=None)
"""What the request's template is after its transforms, where we know it and ministack would not."""

_macros: dict[str, str] = {}
"""Name -> the function's ARN. A name is unique in an account, and there is one account."""


def add_macro_type() -> None:
    """AWS::CloudFormation::Macro, without a log of its own.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-macro.html
    """

    def create(_logical_id: str, properties: Properties, _stack_name: str) -> Resource:
        _refuse(_TYPE, properties, {"LogGroupName", "LogRoleARN"})
        name = properties["Name"]
        if name in _macros:
            raise ValueError(f"{_TYPE}: {_arns().transform_id(name)} already exists")
        _macros[name] = properties["FunctionName"]
        return name, {}

    def update(physical_id: str, _old: Properties, new: Properties, _stack_name: str) -> Resource:
        _refuse(_TYPE, new, {"LogGroupName", "LogRoleARN"})
        _macros[physical_id] = new["FunctionName"]
        return physical_id, {}

    def delete(physical_id: str, _properties: Properties) -> None:
        _macros.pop(physical_id, None)

    _add_type(_TYPE, create, update, delete, replacing=("Name",))


def run_macros(functions: Any, enforcement: Enforcement, roles: ServiceRoles) -> None:
    """Process templates with macros before ministack looks at them. `functions` is a client of Lambda."""
    original = app.SERVICE_HANDLERS["cloudformation"]
    work = _Work(functions, enforcement, roles)

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Answer:
        request = _Request.parse(headers, body, query)
        template = request.own_template() if request.action in _EXPANDING else None
        if template is None or not custom_macros(template):
            answer: Answer = await original(method, path, headers, body, query)
            return answer
        if request.lacks_capability:
            return _error("InsufficientCapabilitiesException", f"Requires capabilities : [{_AUTO_EXPAND}]")
        processed, failure = await work.process(request, template)
        if failure and request.action != _CREATE_CHANGE_SET:
            return _error("ValidationError", failure)
        token = _processed.set(processed)
        try:
            answer = await original(method, path, headers, body, query)
        finally:
            _processed.reset(token)
        if failure and answer[0] == _OK:
            _fail(request, failure)
        return answer

    app.SERVICE_HANDLERS["cloudformation"] = handle
    _use_processed_templates()


def _error(code: str, message: str) -> Answer:
    answer: Answer = helpers._error(code, message)
    return answer


def _use_processed_templates() -> None:
    original = engine._apply_transforms

    def apply(template: Template, *parameters: Any) -> Template:
        processed = _processed.get()
        transformed: Template = original(template, *parameters) if processed is None else processed
        return transformed

    changesets._apply_transforms = apply
    handlers._apply_transforms = apply


def _fail(request: _Request, reason: str) -> None:
    """A change set whose macros fail is there, and FAILED."""
    change_set = ministack_stack_roles.find_change_set(request.parameters)
    if change_set is not None:
        change_set.update(Status="FAILED", ExecutionStatus="UNAVAILABLE", StatusReason=reason, Changes=[])


def _arns() -> Arns:
    return Arns(responses.get_account_id(), responses.get_region())


@dataclass(frozen=True)
class _Request:
    """`parameters` as ministack's handlers take them."""

    parameters: Mapping[str, Any]
    access_key: str

    @classmethod
    def parse(cls, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> _Request:
        form = urllib.parse.parse_qs(body.decode("utf-8", errors="replace"), keep_blank_values=True)
        return cls({**query, **form}, router.extract_access_key_id(headers, query))

    @property
    def action(self) -> str:
        return str(helpers._p(self.parameters, "Action"))

    @property
    def lacks_capability(self) -> bool:
        """A change set needs none: it is there to be looked at [CreateChangeSet, "Capabilities"]."""
        given = helpers._extract_string_members(self.parameters, "Capabilities")
        return self.action != _CREATE_CHANGE_SET and _AUTO_EXPAND not in given

    def own_template(self) -> Template | None:
        """The template that the request brings, if it brings one that can be read.

        The previous template is used as it was processed then: macros are not run again.
        """
        body, refused = helpers._resolve_template(self.parameters)
        if refused or not body:
            return None
        try:
            template: Template = engine._parse_template(body)
        except Exception:  # ministack, which reads it again, says what is wrong
            return None
        return template if isinstance(template, dict) else None

    def parameter_values(self, template: Template) -> dict[str, Any]:
        """As macros get them: the members of a list type as a list."""
        stack = handlers._resolve_stack(helpers._p(self.parameters, "StackName")) or {}
        given = helpers._extract_members(self.parameters, "Parameters")
        values = engine._transform_parameters(template, given, stack.get("_resolved_params", {}))
        return {name: _listed(template, name, value) for name, value in values.items()}

    def hosted(self, content: Template, transform: str) -> Template:
        """`content` after one of CloudFormation's own transforms. Raises MacroError."""
        given = helpers._extract_members(self.parameters, "Parameters")
        try:
            return _checked(engine._apply_transforms({**content, "Transform": transform}, given))
        except MacroError:
            raise
        except Exception as error:  # whatever the SAM translator says
            raise MacroError(f"Transform {transform} failed with: {error}") from error


def _listed(template: Template, name: str, value: Any) -> Any:
    kind = str(template.get("Parameters", {}).get(name, {}).get("Type", ""))
    is_list = kind == "CommaDelimitedList" or kind.startswith("List<")
    return str(value).split(",") if is_list else value


class _Work:
    """Runs macros for requests."""

    def __init__(self, functions: Any, enforcement: Enforcement, roles: ServiceRoles) -> None:
        self._functions = functions
        self._enforcement = enforcement
        self._roles = roles

    async def process(self, request: _Request, template: Template) -> tuple[Template, str]:
        """The processed template; or one to be shown in its place, and why there is none."""
        try:
            return await self._process(request, template), ""
        except MacroError as error:
            return {"Parameters": template.get("Parameters", {}), "Resources": _NOTHING_YET}, str(error)

    async def _process(self, request: _Request, template: Template) -> Template:
        arns = _arns()
        for name in custom_macros(template):
            if name not in _macros:
                raise MacroError(f"No transform named {arns.transform_id(name)} found.")
            self._authorize(request, name)
        included = _checked(engine._apply_include_transform(template))
        values = request.parameter_values(template)
        return await Expansion(arns, self._run, request.hosted, values).expand(included)

    def _authorize(self, request: _Request, macro: str) -> None:
        """AWS says that the user needs these; who works with a service role sees that the role needs them.

        So both must have them here: what works here works there.
        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros-overview.html, "Macro
        account scope and permissions"
        """
        needs = (
            Permission("cloudformation:CreateChangeSet", _arns().transform(macro)),
            Permission("lambda:InvokeFunction", _macros[macro]),
        )
        try:
            if caller := ministack_iam.caller_of(request.access_key):
                self._enforcement.authorize(caller, needs)
            if role := ministack_stack_roles.role_of_operation(request.parameters):
                ministack_stack_roles.authorize(self._roles, role, needs)
        except AccessDeniedError as error:
            raise MacroError(error.message) from error
        except ClientError as error:
            raise MacroError(error.response["Error"]["Message"]) from error

    async def _run(self, macro: str, event: bytes) -> bytes | None:
        """Not on the event loop: the function may use any service of this process."""
        payload: bytes | None = await run_reentrant(self._invoke, macro, event)
        return payload

    def _invoke(self, macro: str, event: bytes) -> bytes | None:
        try:
            answer = self._functions.invoke(FunctionName=_macros[macro], Payload=event)
        except ClientError as error:
            raise MacroError(error.response["Error"]["Message"]) from error
        payload: bytes = answer["Payload"].read()
        return None if "FunctionError" in answer else payload


def _checked(template: Template) -> Template:
    """Raises MacroError if one of CloudFormation's own transforms failed."""
    if isinstance(template, engine._TransformFailed):
        raise MacroError(template.error)
    return template
