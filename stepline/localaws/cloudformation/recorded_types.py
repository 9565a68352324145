"""Resource types that the local AWS only records: they have Ref and attributes, and do nothing.

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

RECORDED_TYPES: Final = frozenset(
    f"AWS::{service}::{name}"
    for service, names in {
        "ApiGateway": "ClientCertificate VpcLink",
        "ApiGatewayV2": "IntegrationResponse Model RouteResponse VpcLink",
        "AppRunner": "Service",
        "ApplicationAutoScaling": "ScalableTarget ScalingPolicy",
        "Athena": "DataCatalog NamedQuery PreparedStatement",
        "AutoScaling": "WarmPool",
        "Backup": "BackupSelection",
        "Budgets": "Budget",
        "CloudFront": "KeyGroup MonitoringSubscription PublicKey RealtimeLogConfig",
        "CloudWatch": "AnomalyDetector CompositeAlarm InsightRule MetricStream",
        "CodeBuild": "ReportGroup",
        "CodeDeploy": "Application DeploymentConfig DeploymentGroup",
        "CodeConnections": "Connection",
        "CodeStarConnections": "Connection RepositoryLink SyncConfiguration",
        "CodeStarNotifications": "NotificationRule",
        "Cognito": "LogDeliveryConfiguration UserPoolIdentityProvider UserPoolRiskConfigurationAttachment"
        " UserPoolUICustomizationAttachment",
        "Config": "ConfigRule ConfigurationRecorder DeliveryChannel",
        "EC2": "CustomerGateway DHCPOptions EIPAssociation EgressOnlyInternetGateway Instance KeyPair"
        " NetworkInterface NetworkInterfaceAttachment PlacementGroup PrefixList"
        " SubnetCidrBlock TransitGateway TransitGatewayAttachment TransitGatewayRoute"
        " TransitGatewayRouteTable VPCCidrBlock VPCDHCPOptionsAssociation VPCEndpointService"
        " VPCPeeringConnection VPNConnection VPNConnectionRoute VPNGateway VPNGatewayRoutePropagation"
        " Volume VolumeAttachment",
        "ECR": "PullThroughCacheRule RegistryPolicy ReplicationConfiguration",
        "ECS": "CapacityProvider ClusterCapacityProviderAssociations",
        "EKS": "AccessEntry Addon PodIdentityAssociation",
        "Events": "ApiDestination Archive Connection EventBusPolicy",
        "Glue": "Classifier Registry Schema SecurityConfiguration Workflow",
        "GuardDuty": "Detector",
        "ElasticLoadBalancing": "LoadBalancer",
        "ElasticLoadBalancingV2": "ListenerCertificate",
        "IAM": "AccessKey Group GroupPolicy OIDCProvider SAMLProvider ServiceLinkedRole UserPolicy"
        " UserToGroupAddition",
        "Kinesis": "ResourcePolicy StreamConsumer",
        "KMS": "ReplicaKey",
        "Lambda": "CodeSigningConfig",
        "Logs": "AccountPolicy Destination LogAnomalyDetector QueryDefinition",
        "RDS": "DBProxy DBProxyTargetGroup EventSubscription GlobalCluster OptionGroup",
        "ResourceGroups": "Group",
        "Route53": "HealthCheck",
        "S3": "StorageLens",
        "SES": "ReceiptRule ReceiptRuleSet Template",
        "SNS": "TopicInlinePolicy",
        "SQS": "QueueInlinePolicy",
        "SSM": "Association Document MaintenanceWindow MaintenanceWindowTarget MaintenanceWindowTask",
        "SecretsManager": "ResourcePolicy RotationSchedule",
        "ServiceCatalogAppRegistry": "Application AttributeGroup ResourceAssociation",
        "Synthetics": "Canary",
        "WAFv2": "IPSet LoggingConfiguration RegexPatternSet RuleGroup WebACLAssociation",
        "XRay": "Group SamplingRule",
    }.items()
    for name in names.split()
)

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
_EMPTY: Final[Mapping[str, Any]] = {"array": [], "boolean": False, "integer": 0, "number": 0, "object": {}}


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
        if _ZONE in self.schema["properties"]:
            names.append(_ZONE)  # AWS chooses it unless the template does
        return {name: self._value(name) for name in names}

    def _value(self, name: str) -> Any:
        given = values_at(self.properties, tuple(name.split(".")))
        return given[0] if given else self._generated_value(name)

    def _generated_value(self, name: str) -> Any:
        kind = self.schema["properties"].get(name, {}).get("type", "string")
        if kind in _EMPTY:
            return _EMPTY[kind]
        if name == _ZONE:
            return f"{self.arns.region}a"
        if name.lower().endswith("arn"):
            return self._arn()
        if name.endswith(("Ip", "IpAddress")):
            return _ADDRESS
        return self.default_name if name.endswith("Name") and "Dns" not in name else self.id

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
