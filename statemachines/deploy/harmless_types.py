"""The resource types that hold nothing: no data, and no identity on which others depend.

A change that removes or replaces such a resource loses nothing that the template does not contain, so the
Deploy state machine executes it. Every type that is not listed here counts as one that holds something.

A type is listed if

- everything that a resource of it has is in the template, so that the next deployment can create it again;
- nothing outside of the stack needs its ARN, name, id, address or credentials: what refers to it is what the
  template connects with it;
- no person has to do anything when it is created again, such as enter a value.

A type that does not fulfil all of this, or whose deletion also ends protection (backups), is not listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class HarmlessTypes:
    """Types for the same reason: service -> names, so `{"SNS": "TopicPolicy"}` is AWS::SNS::TopicPolicy."""

    reason: str
    names: Mapping[str, str]

    @property
    def types(self) -> frozenset[str]:
        return frozenset(
            f"AWS::{service}::{name}" for service, names in self.names.items() for name in names.split()
        )


HARMLESS_TYPES: Final = (
    HarmlessTypes(
        "a revision, which never changes: CloudFormation creates a new one and removes the old one",
        {
            "ApiGateway": "Deployment DocumentationVersion",
            "ApiGatewayV2": "Deployment",
            "AppConfig": "Deployment HostedConfigurationVersion",
            "AutoScaling": "LaunchConfiguration",
            "Batch": "JobDefinition",
            "Bedrock": "AutomatedReasoningPolicyVersion FlowVersion GuardrailVersion PromptVersion",
            "Connect": "ContactFlowModuleVersion ContactFlowVersion ViewVersion",
            "ECS": "DaemonTaskDefinition TaskDefinition",
            "ElasticBeanstalk": "ApplicationVersion",
            "Greengrass": "ConnectorDefinitionVersion CoreDefinitionVersion DeviceDefinitionVersion"
            " FunctionDefinitionVersion GroupVersion LoggerDefinitionVersion"
            " ResourceDefinitionVersion SubscriptionDefinitionVersion",
            "GreengrassV2": "ComponentVersion",
            "Lambda": "LayerVersion Version",
            "Lex": "BotVersion",
            "RoboMaker": "RobotApplicationVersion SimulationApplicationVersion",
            "StepFunctions": "StateMachineVersion",
            "Wisdom": "AIAgentVersion AIGuardrailVersion AIPromptVersion MessageTemplateVersion",
        },
    ),
    HarmlessTypes(
        "a policy or permission of another resource",
        {
            "ACMPCA": "Permission",
            "APS": "ResourcePolicy",
            "Bedrock": "ResourcePolicy",
            "BedrockAgentCore": "ResourcePolicy",
            "CloudTrail": "ResourcePolicy",
            "EC2": "NetworkInterfacePermission VPCEndpointServicePermissions",
            "ECR": "RegistryPolicy",
            "EventSchemas": "RegistryPolicy",
            "Events": "EventBusPolicy",
            "EventsV2": "ResourcePolicy",
            "IAM": "GroupPolicy Policy RolePolicy UserPolicy",
            "IoTSiteWise": "AccessPolicy",
            "Kinesis": "ResourcePolicy",
            "LakeFormation": "Permissions PrincipalPermissions",
            "Lambda": "LayerVersionPermission Permission ResourcePolicy",
            "Lex": "ResourcePolicy",
            "Logs": "ResourcePolicy",
            "MSK": "ClusterPolicy",
            "MediaPackageV2": "ChannelPolicy OriginEndpointPolicy",
            "MediaTailor": "ChannelPolicy",
            "OpenSearchServerless": "AccessPolicy",
            "QBusiness": "Permission",
            "S3": "BucketPolicy MultiRegionAccessPointPolicy",
            "S3Express": "BucketPolicy",
            "S3Files": "FileSystemPolicy",
            "S3ObjectLambda": "AccessPointPolicy",
            "S3Outposts": "BucketPolicy",
            "S3Tables": "TableBucketPolicy TablePolicy",
            "S3Vectors": "VectorBucketPolicy",
            "SMSVOICE": "ResourcePolicy",
            "SNS": "TopicInlinePolicy TopicPolicy",
            "SQS": "QueueInlinePolicy QueuePolicy",
            "SSM": "ResourcePolicy",
            "SecretsManager": "ResourcePolicy",
            "Signer": "ProfilePermission",
            "VerifiedPermissions": "Policy",
            "VpcLattice": "AuthPolicy ResourcePolicy",
            "XRay": "ResourcePolicy",
        },
    ),
    HarmlessTypes(
        "a connection of resources, which remain",
        {
            "ApiGateway": "UsagePlanKey",
            "AppConfig": "ExtensionAssociation",
            "AppStream": "ApplicationEntitlementAssociation ApplicationFleetAssociation"
            " StackFleetAssociation StackUserAssociation",
            "Cognito": "IdentityPoolRoleAttachment UserPoolUserToGroupAttachment",
            "EC2": "EnclaveCertificateIamRoleAssociation GatewayRouteTableAssociation"
            " NetworkInterfaceAttachment RouteServerAssociation RouteServerPropagation"
            " SecurityGroupVpcAssociation SubnetNetworkAclAssociation"
            " SubnetRouteTableAssociation TransitGatewayRouteTableAssociation"
            " TransitGatewayRouteTablePropagation VPCDHCPOptionsAssociation"
            " VPCGatewayAttachment VPNGatewayRoutePropagation VolumeAttachment",
            "ECS": "ClusterCapacityProviderAssociations",
            "EKS": "AccessEntry PodIdentityAssociation",
            "ElasticLoadBalancingV2": "ListenerCertificate",
            "Events": "Rule",
            "IAM": "UserToGroupAddition",
            "IdentityStore": "GroupMembership",
            "IoT": "PolicyPrincipalAttachment ThingPrincipalAttachment",
            "LakeFormation": "TagAssociation",
            "Lambda": "EventInvokeConfig EventSourceMapping",
            "Logs": "Delivery SubscriptionFilter",
            "NetworkFirewall": "VpcEndpointAssociation",
            "NetworkManager": "CustomerGatewayAssociation LinkAssociation",
            "Pipes": "Pipe",
            "RAM": "PermissionAssociation PrincipalAssociation ResourceAssociation",
            "Route53Profiles": "ProfileAssociation ProfileResourceAssociation",
            "Route53Resolver": "FirewallRuleGroupAssociation ResolverQueryLoggingConfigAssociation"
            " ResolverRuleAssociation",
            "SNS": "Subscription",
            "SSO": "ApplicationAssignment Assignment",
            "Scheduler": "Schedule",
            "SecretsManager": "RotationSchedule SecretTargetAttachment",
            "SecurityHub": "PolicyAssociation",
            "ServiceCatalog": "PortfolioPrincipalAssociation PortfolioProductAssociation"
            " ServiceActionAssociation TagOptionAssociation",
            "ServiceCatalogAppRegistry": "AttributeGroupAssociation ResourceAssociation",
            "VpcLattice": "AccessLogSubscription ServiceNetworkResourceAssociation"
            " ServiceNetworkVpcAssociation",
            "WAFRegional": "WebACLAssociation",
            "WAFv2": "LoggingConfiguration WebACLAssociation",
        },
    ),
    HarmlessTypes(
        "a part of another resource, such as a rule of a security group",
        {
            "ApiGateway": "Authorizer DocumentationPart GatewayResponse Method Model RequestValidator"
            " Resource",
            "ApiGatewayV2": "ApiGatewayManagedOverrides Authorizer Integration IntegrationResponse Model"
            " Route RouteResponse",
            "AppMesh": "GatewayRoute Route",
            "AppSync": "DataSource FunctionConfiguration GraphQLSchema Resolver",
            "EC2": "ClientVpnAuthorizationRule ClientVpnRoute NetworkAclEntry Route"
            " SecurityGroupEgress SecurityGroupIngress TransitGatewayRoute VPNConnectionRoute",
            "ElasticLoadBalancingV2": "ListenerRule",
            "Glue": "Trigger",
            "RefactorSpaces": "Route",
            "SES": "ReceiptRule",
            "VpcLattice": "Rule",
        },
    ),
    HarmlessTypes(
        "observes other resources; what it has recorded is kept elsewhere",
        {
            "CE": "AnomalySubscription",
            "CloudTrail": "Dashboard",
            "CloudWatch": "Alarm AnomalyDetector CompositeAlarm Dashboard InsightRule MetricStream",
            "CodeStarNotifications": "NotificationRule",
            "DMS": "EventSubscription",
            "DocDB": "EventSubscription",
            "EC2": "FlowLog VPCEndpointConnectionNotification",
            "Logs": "LogAnomalyDetector MetricFilter QueryDefinition",
            "Neptune": "EventSubscription",
            "Notifications": "ChannelAssociation EventRule",
            "RDS": "EventSubscription",
            "Redshift": "EventSubscription",
            "XRay": "Group SamplingRule",
        },
    ),
    HarmlessTypes(
        "a setting of another resource's capacity or operation",
        {
            "ApplicationAutoScaling": "ScalableTarget ScalingPolicy",
            "AutoScaling": "LifecycleHook ScalingPolicy ScheduledAction WarmPool",
            "AutoScalingPlans": "ScalingPlan",
            "RDS": "DBProxyTargetGroup",
            "Redshift": "ScheduledAction",
            "SSM": "MaintenanceWindowTarget MaintenanceWindowTask",
        },
    ),
    HarmlessTypes(
        "exists only for the deployment itself",
        {
            "CDK": "Metadata",
            "CloudFormation": "WaitCondition WaitConditionHandle",
        },
    ),
)

TYPES_THAT_HOLD_NOTHING: Final = frozenset(name for group in HARMLESS_TYPES for name in group.types)
