"""Resources of types that no service here implements: they have Ref and attributes, and do nothing.

The schema of a type says which properties identify it, and which ones AWS gives it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from stepline.localaws.cloudformation.names import Arns
from stepline.localaws.cloudformation.replacement import values_at
from stepline.localaws.cloudformation.role_permissions import service_of
from stepline.localaws.cloudformation.type_schemas import Schema, attributes_of, identifiers_of

_ID_PREFIXES: Final = {
    "CustomerGateway": "cgw",
    "DHCPOptions": "dopt",
    "EIPAssociation": "eipassoc",
    "EgressOnlyInternetGateway": "eigw",
    "Instance": "i",
    "KeyPair": "key",
    "NetworkInterface": "eni",
    "NetworkInterfaceAttachment": "eni-attach",
    "PrefixList": "pl",
    "TransitGateway": "tgw",
    "TransitGatewayAttachment": "tgw-attach",
    "TransitGatewayRouteTable": "tgw-rtb",
    "VPCCidrBlock": "vpc-cidr-assoc",
    "VPCPeeringConnection": "pcx",
    "VPNConnection": "vpn",
    "VPNGateway": "vgw",
    "Volume": "vol",
}
"""The ids of EC2 begin so: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html"""

_ZONE: Final = "AvailabilityZone"
_ADDRESS: Final = "10.0.0.10"
_IPV6_BLOCK: Final = "2600:1f18:1234:5600::/56"
_EMPTY: Final[Mapping[str, Any]] = {"boolean": False, "integer": 0, "number": 0, "object": {}}


@dataclass(frozen=True)
class RecordedResource:
    """A new resource of a recorded type. `default_name` is what CloudFormation calls one without a name."""

    resource_type: str
    schema: Schema
    properties: Mapping[str, Any]
    default_name: str
    arns: Arns
    id: str

    @classmethod
    def create(
        cls, resource_type: str, schema: Schema, properties: Mapping[str, Any], default_name: str, arns: Arns
    ) -> RecordedResource:
        return cls(resource_type, schema, properties, default_name, arns, new_id(resource_type))

    def ref(self) -> str:
        """Return what Ref returns: the identifier that AWS gives the resource, or all that identify it."""
        identifiers = identifiers_of(self.schema)
        generated = [name for name in identifiers if name in attributes_of(self.schema)]
        chosen = generated if len(generated) == 1 else identifiers
        return "|".join(str(self._value(name)) for name in chosen) or self.default_name

    def attributes(self) -> dict[str, Any]:
        """Return what Fn::GetAtt returns for each attribute."""
        names = [*attributes_of(self.schema)]
        if _ZONE in self.schema.get("properties", {}):
            names.append(_ZONE)  # AWS chooses it unless the template does
        return {name: self._value(name) for name in names}

    def _value(self, name: str) -> Any:
        given = values_at(self.properties, tuple(name.split(".")))
        return given[0] if given else self._generated_value(name)

    def _generated_value(self, name: str) -> Any:
        kinds = self.schema.get("properties", {}).get(name, {}).get("type", "string")
        kind = kinds if isinstance(kinds, str) else kinds[0]
        if kind == "array":
            return [_IPV6_BLOCK if name.endswith("CidrBlocks") else self.id]
        if kind in _EMPTY:
            return _EMPTY[kind]
        if name == _ZONE:
            return f"{self.arns.region}a"
        if name.lower().endswith("arn"):
            return self._arn()
        if name.endswith(("Ip", "IpAddress")):
            return _ADDRESS
        host = f"{self.id}.{service_of(self.resource_type)}.{self.arns.region}.amazonaws.com".lower()
        if name.lower().endswith(("url", "uri")):
            return f"https://{host}"
        if name.endswith(("Endpoint", "DnsName", "DNSName", "DomainName")):
            return host
        return self.default_name if name.endswith("Name") else self.id

    def _arn(self) -> str:
        """Return an ARN with the name of the resource, if it has one."""
        names = [name for name in identifiers_of(self.schema) if name.endswith("Name")]
        found = self._value(names[0]) if names else self.id
        resource = f"{self.resource_type.rpartition('::')[2].lower()}/{found}"
        service = service_of(self.resource_type)
        return (self.arns.without_region if service == "iam" else self.arns.of)(service, resource)


def new_id(resource_type: str) -> str:
    """Return a new id in the form that EC2 or another service has."""
    _, service, name = resource_type.split("::")
    if service == "EC2":
        return f"{_ID_PREFIXES.get(name, name.lower())}-{secrets.token_hex(9)[:17]}"
    return secrets.token_hex(5)
