"""Patches macros of templates: ministack stores their calls and never runs them."""

from __future__ import annotations

import contextvars
import urllib.parse
from collections.abc import Mapping, MutableMapping, Sequence
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
    macro_names,
)
from stepline.localaws.cloudformation.names import Arns, is_hosted
from stepline.localaws.emulators.ministack.cloudformation import stack_roles
from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    Resource,
    add_type,
    refuse_properties,
)
from stepline.localaws.emulators.ministack.iam import caller_of
from stepline.localaws.iam import AccessDeniedError, Enforcement, Permission
from stepline.localaws.service_roles import ServiceRoles

_TYPE = "AWS::CloudFormation::Macro"
_CREATE_CHANGE_SET = "CreateChangeSet"
_EXPANDING = frozenset({"CreateStack", "UpdateStack", _CREATE_CHANGE_SET})
_AUTO_EXPAND = "CAPABILITY_AUTO_EXPAND"
_OK = 200
_PLACEHOLDER_RESOURCES = {"Placeholder": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}

Response = tuple[int, dict[str, str], bytes]
_processed: contextvars.ContextVar[Template | None] = contextvars.ContextVar("processed", default=None)
"""The template of the current request after its macros have run."""

_macros: MutableMapping[str, str] = responses.AccountRegionScopedDict()
"""Name -> the function's ARN, in the account and region of the current request."""


def add_macro_type() -> None:
    """Add AWS::CloudFormation::Macro without a log of its own.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-macro.html
    """

    def create(_logical_id: str, properties: Properties, _stack_name: str) -> Resource:
        refuse_properties(_TYPE, properties, {"LogGroupName", "LogRoleARN"})
        name = properties["Name"]
        if name in _macros:
            raise ValueError(f"{_TYPE}: {_arns().transform_id(name)} already exists")
        _macros[name] = properties["FunctionName"]
        return name, {}

    def update(physical_id: str, _old: Properties, new: Properties, _stack_name: str) -> Resource:
        refuse_properties(_TYPE, new, {"LogGroupName", "LogRoleARN"})
        _macros[physical_id] = new["FunctionName"]
        return physical_id, {}

    def delete(physical_id: str, _properties: Properties) -> None:
        _macros.pop(physical_id, None)

    add_type(_TYPE, create, update, delete)


def run_macros(functions: Any, enforcement: Enforcement, roles: ServiceRoles) -> None:
    """Run the macros of a template before ministack processes it. `functions` is a client of Lambda."""
    original = app.SERVICE_HANDLERS["cloudformation"]
    macro_runner = _MacroRunner(functions, enforcement, roles)

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        request = _Request.parse(headers, body, query)
        template = request.own_template() if request.action in _EXPANDING else None
        names = [] if template is None else macro_names(template)
        if template is None or not names:
            response: Response = await original(method, path, headers, body, query)
            return response
        if request.lacks_capability and custom_macros(names):
            return _error("InsufficientCapabilitiesException", f"Requires capabilities : [{_AUTO_EXPAND}]")
        processed, failure = await macro_runner.process(request, template, names)
        if failure and request.action != _CREATE_CHANGE_SET:
            return _error("ValidationError", failure)
        token = _processed.set(processed)
        try:
            response = await original(method, path, headers, body, query)
        finally:
            _processed.reset(token)
        if failure and response[0] == _OK:
            _fail_change_set(request, failure)
        return response

    app.SERVICE_HANDLERS["cloudformation"] = handle
    _apply_processed_templates()


def _error(code: str, message: str) -> Response:
    response: Response = helpers._error(code, message)
    return response


def _apply_processed_templates() -> None:
    """Let ministack use the processed template in place of its own transforms."""
    original = engine._apply_transforms

    def apply(template: Template, *parameters: Any) -> Template:
        processed = _processed.get()
        transformed: Template = original(template, *parameters) if processed is None else processed
        return transformed

    changesets._apply_transforms = apply
    handlers._apply_transforms = apply


def _fail_change_set(request: _Request, reason: str) -> None:
    """Mark the change set as FAILED: it exists even if its macros fail."""
    change_set = stack_roles.find_change_set(request.parameters)
    if change_set is not None:
        change_set.update(Status="FAILED", ExecutionStatus="UNAVAILABLE", StatusReason=reason, Changes=[])


def _arns() -> Arns:
    return Arns(responses.get_account_id(), responses.get_region())


@dataclass(frozen=True)
class _Request:
    """A request of CloudFormation; `parameters` are in the form that ministack's handlers take."""

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
        """Whether CAPABILITY_AUTO_EXPAND is missing; a change set does not need it [CreateChangeSet]."""
        given = helpers._extract_string_members(self.parameters, "Capabilities")
        return self.action != _CREATE_CHANGE_SET and _AUTO_EXPAND not in given

    def own_template(self) -> Template | None:
        """Return the template in the request, or None without a valid one.

        Macros are not run again for the previous template.
        """
        body, refused = helpers._resolve_template(self.parameters)
        if refused or not body:
            return None
        try:
            template: Template = engine._parse_template(body)
        except Exception:  # ministack parses it again, and reports the error
            return None
        return template if isinstance(template, dict) else None

    def parameter_values(self, template: Template) -> dict[str, Any]:
        """Return the parameters' values for macros: those of a list type as a list."""
        stack = handlers._resolve_stack(helpers._p(self.parameters, "StackName")) or {}
        given = helpers._extract_members(self.parameters, "Parameters")
        values = engine._transform_parameters(template, given, stack.get("_resolved_params", {}))
        return {name: _typed(template, name, value) for name, value in values.items()}

    def hosted(self, content: Template, transform: str) -> Template:
        """Apply one of CloudFormation's own transforms to `content`. Raises MacroError."""
        given = helpers._extract_members(self.parameters, "Parameters")
        try:
            return _checked(engine._apply_transforms({**content, "Transform": transform}, given))
        except MacroError:
            raise
        except Exception as error:  # any error of the SAM translator
            raise MacroError(f"Transform {transform} failed with: {error}") from error


def _typed(template: Template, name: str, value: Any) -> Any:
    declared = str(template.get("Parameters", {}).get(name, {}).get("Type", ""))
    is_list = declared == "CommaDelimitedList" or declared.startswith("List<")
    return str(value).split(",") if is_list else value


class _MacroRunner:
    """Runs the macros of requests."""

    def __init__(self, functions: Any, enforcement: Enforcement, roles: ServiceRoles) -> None:
        self._functions = functions
        self._enforcement = enforcement
        self._roles = roles

    async def process(
        self, request: _Request, template: Template, names: Sequence[str]
    ) -> tuple[Template | None, str]:
        """Run the macros of those `names`.

        Return the processed template and "", or a placeholder and the reason why processing failed.
        The template is None if ministack processes it: its only macros are those that CloudFormation hosts.
        """
        try:
            return await self._process(request, template, names), ""
        except MacroError as error:
            placeholder = {"Parameters": template.get("Parameters", {}), "Resources": _PLACEHOLDER_RESOURCES}
            return placeholder, str(error)

    async def _process(self, request: _Request, template: Template, names: Sequence[str]) -> Template | None:
        account = _arns()
        for name in names:
            if not is_hosted(name) and name not in _macros:
                raise MacroError(f"No transform named {account.transform_id(name)} found.")
            self._authorize(request, name)
        if not custom_macros(names):
            return None
        included = _checked(engine._apply_include_transform(template))
        values = request.parameter_values(template)
        return await Expansion(account, self._run, request.hosted, values).expand(included)

    def _authorize(self, request: _Request, macro: str) -> None:
        """Check that the service role, or without one the caller, may use the macro. Raises MacroError.

        AWS documents this for the caller; with a service role, the role needs it [user reports], and the
        pipelines that AWS's SAM command line writes run without it for the caller: a denial is recorded.
        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros-overview.html, "Macro
        account scope and permissions"
        """
        needs = [Permission("cloudformation:CreateChangeSet", _arns().transform(macro))]
        if not is_hosted(macro):
            needs.append(Permission("lambda:InvokeFunction", _macros[macro]))
        try:
            caller = caller_of(request.access_key)
            if role := stack_roles.role_of_operation(request.parameters):
                if caller:
                    self._enforcement.allows(caller, needs)
                stack_roles.authorize(self._roles, role, needs)
            elif caller:
                self._enforcement.authorize(caller, needs)
        except AccessDeniedError as error:
            raise MacroError(error.message) from error
        except ClientError as error:
            raise MacroError(error.response["Error"]["Message"]) from error

    async def _run(self, macro: str, event: bytes) -> bytes | None:
        """Run the macro outside of the event loop: its function may call any service of this process."""
        payload: bytes | None = await run_reentrant(self._invoke, macro, event)
        return payload

    def _invoke(self, macro: str, event: bytes) -> bytes | None:
        try:
            response = self._functions.invoke(FunctionName=_macros[macro], Payload=event)
        except ClientError as error:
            raise MacroError(error.response["Error"]["Message"]) from error
        payload: bytes = response["Payload"].read()
        return None if "FunctionError" in response else payload


def _checked(template: Template) -> Template:
    """Return the template. Raises MacroError if one of CloudFormation's own transforms failed."""
    if isinstance(template, engine._TransformFailed):
        raise MacroError(template.error)
    return template
