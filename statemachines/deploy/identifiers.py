# ruff: noqa: E501
"""Says which attributes of a resource (Fn::GetAtt) an update in place does not change.

`tests/statemachines/deploy/generate_identifiers.py` generates IDENTIFIERS from the schemas of CloudFormation's
resource types, which cfn-lint ships: the read-only properties that are a part of the `primaryIdentifier`, or that are
`createOnlyProperties`.
"""

from __future__ import annotations

import re
from typing import Final

_ENDS: Final = ("Id", "Arn")
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+")

_WITH_THE_RESOURCE: Final = {
    "CidrBlock": "EC2::VPC",
    "DefaultNetworkAcl": "EC2::VPC",
    "DefaultSecurityGroup": "EC2::VPC",
    "Ipv6CidrBlocks": "EC2::VPC",
    "LoadBalancerFullName": "ElasticLoadBalancingV2::LoadBalancer",
    "RootResourceId": "ApiGateway::RestApi",
    "TargetGroupFullName": "ElasticLoadBalancingV2::TargetGroup",
}
"""Attributes that AWS creates together with the resource, that only other resources change, or that are a part of the
ARN, by the documentation of the types ("Return values")."""


def identifies(resource_type: str, attribute: str, *, renamed: bool) -> bool:
    """Return whether the attribute remains while the resource does.

    AWS assigns an id once. An ARN may contain names, so it may change if the resource is `renamed`, unless the ARN
    identifies the resource.
    """
    name = resource_type.removeprefix("AWS::")
    if name in IDENTIFIERS.get(attribute, "").split() or name == _WITH_THE_RESOURCE.get(attribute):
        return True
    return is_named_as_identifier(resource_type, attribute) and not (renamed and attribute.endswith("Arn"))


def is_named_as_identifier(resource_type: str, attribute: str) -> bool:
    """Return whether the attribute is an id or ARN by its name: `Arn`, `Id`, or `GroupId` of a SecurityGroup."""
    words = _WORD.findall(resource_type.rpartition("::")[2])
    names = ["".join(words[first:]) for first in range(len(words) + 1)]
    return attribute.lower() in {f"{name}{end}".lower() for name in names for end in _ENDS}


# attribute -> resource types, without `AWS::`
IDENTIFIERS: Final = {
    "AccountAliasResourceId": "SupportApp::AccountAlias",
    "AccountId": "ARCZonalShift::AutoshiftObserverNotificationStatus ApplicationSignals::Discovery ApplicationSignals::GroupingConfiguration CloudWatch::OTelEnrichment DevOpsGuru::LogAnomalyDetectionIntegration EC2::SnapshotBlockPublicAccess EC2::VPCBlockPublicAccessOptions Glue::IdentityCenterConfiguration IoT::EncryptionConfiguration Logs::AccountPolicy Logs::StorageTierPolicy SSMGuiConnect::Preferences Shield::DRTAccess Shield::ProactiveEngagement UXC::AccountCustomization XRay::TransactionSearchConfig",
    "AgentRuntimeEndpointArn": "BedrockAgentCore::RuntimeEndpoint",
    "AgentRuntimeId": "BedrockAgentCore::Runtime",
    "AllocationId": "EC2::EIP",
    "AnalysisTemplateIdentifier": "CleanRooms::AnalysisTemplate",
    "ApiAssociationIdentifier": "AppSync::DomainNameApiAssociation",
    "ApplicationArn": "ServiceCatalogAppRegistry::AttributeGroupAssociation ServiceCatalogAppRegistry::ResourceAssociation",
    "ApplicationId": "AppConfig::ExperimentDefinition AppConfig::ExperimentRun",
    "ApplicationIdentifier": "RefactorSpaces::Application",
    "AssociatedAwsPrincipal": "ResourceExplorer2::DefaultViewAssociation",
    "AssociationId": "Connect::InstanceStorageConfig Connect::SecurityKey SSMQuickSetup::LifecycleAutomation",
    "AssociationIdentifier": "SecurityHub::PolicyAssociation",
    "AttachmentType": "EC2::VPCGatewayAttachment",
    "AttributeGroupArn": "ServiceCatalogAppRegistry::AttributeGroupAssociation",
    "AwsAccountId": "Macie::Session",
    "BasePathMappingArn": "ApiGateway::BasePathMappingV2",
    "BotVersion": "Lex::BotVersion",
    "BrowserId": "BedrockAgentCore::BrowserCustom",
    "CacheParameterGroupName": "ElastiCache::ParameterGroup",
    "CidrBlock": "EC2::Route",
    "ClusterSubnetGroupName": "Redshift::ClusterSubnetGroup",
    "CodeInterpreterId": "BedrockAgentCore::CodeInterpreterCustom",
    "CollaborationIdentifier": "CleanRooms::Collaboration",
    "ConfigId": "Bedrock::EnforcedGuardrailConfiguration",
    "ConfigurationArn": "CloudFormation::HookTypeConfig",
    "ConfiguredTableAssociationIdentifier": "CleanRooms::ConfiguredTableAssociation",
    "ConfiguredTableIdentifier": "CleanRooms::ConfiguredTable",
    "ConnectorArn": "SecurityHub::ConnectorV2",
    "DBClusterSnapshotArn": "RDS::ClusterSnapshot",
    "DelegatedAdminIdentifier": "SecurityHub::DelegatedAdmin",
    "DeploymentNumber": "AppConfig::Deployment",
    "DirectoryId": "DirectoryService::MicrosoftAD DirectoryService::SimpleAD",
    "DomainId": "DataZone::Connection DataZone::DataSource DataZone::DomainUnit DataZone::Environment DataZone::EnvironmentActions DataZone::EnvironmentBlueprintConfiguration DataZone::EnvironmentProfile DataZone::GroupProfile DataZone::Project DataZone::SubscriptionTarget DataZone::UserProfile",
    "DomainNameArn": "ApiGateway::DomainNameV2",
    "DomainOwner": "CodeArtifact::Repository",
    "EnabledBaselineIdentifier": "ControlTower::EnabledBaseline",
    "EncryptionKey": "CodeArtifact::Domain",
    "EnvironmentBlueprintId": "DataZone::EnvironmentBlueprintConfiguration",
    "EnvironmentId": "Cloud9::EnvironmentEC2 DataZone::EnvironmentActions DataZone::SubscriptionTarget",
    "EnvironmentIdentifier": "RefactorSpaces::Environment",
    "ExperimentDefinitionId": "AppConfig::ExperimentRun",
    "FormTypeIdentifier": "DataZone::FormType",
    "FunctionArn": "AppSync::FunctionConfiguration Lambda::Url Lambda::Version",
    "GatewayIdentifier": "BedrockAgentCore::Gateway",
    "GroupName": "EC2::PlacementGroup",
    "GuardrailId": "Bedrock::GuardrailVersion",
    "IdMappingTableIdentifier": "CleanRooms::IdMappingTable",
    "IdNamespaceAssociationIdentifier": "CleanRooms::IdNamespaceAssociation",
    "Identifier": "DSQL::Cluster DataZone::ProjectProfile MediaLive::CloudWatchAlarmTemplate MediaLive::CloudWatchAlarmTemplateGroup MediaLive::EventBridgeRuleTemplate MediaLive::EventBridgeRuleTemplateGroup MediaLive::SignalMap",
    "IdentifierPartitionInputValues": "Glue::Partition",
    "InferenceProfileIdentifier": "Bedrock::ApplicationInferenceProfile",
    "InstanceFleetId": "EMR::InstanceFleetConfig",
    "InstanceGroupId": "EMR::InstanceGroupConfig",
    "IntermediateTableIdentifier": "CleanRooms::IntermediateTable",
    "IpamPoolAllocationId": "EC2::IPAMAllocation",
    "KeyIdentifier": "PaymentCryptography::Key",
    "LandingZoneIdentifier": "ControlTower::LandingZone",
    "LocationArn": "DataSync::LocationAzureBlob DataSync::LocationEFS DataSync::LocationFSxLustre DataSync::LocationFSxONTAP DataSync::LocationFSxOpenZFS DataSync::LocationFSxWindows DataSync::LocationHDFS DataSync::LocationNFS DataSync::LocationObjectStorage DataSync::LocationS3 DataSync::LocationSMB",
    "LocationHash": "ApplicationSignals::InstrumentationConfig",
    "MembershipIdentifier": "CleanRooms::Membership",
    "MultiRegionClusterName": "MemoryDB::MultiRegionCluster",
    "Name": "Glue::Classifier Glue::Connection",
    "OrganizationConfigurationIdentifier": "SecurityHub::OrganizationConfiguration",
    "OwnerIdentifier": "DataZone::Owner",
    "OwnerType": "DataZone::Owner",
    "PipelineIdentifier": "ObservabilityAdmin::TelemetryPipelines",
    "PrincipalIdentifier": "LakeFormation::PrincipalPermissions",
    "PrivacyBudgetTemplateIdentifier": "CleanRooms::PrivacyBudgetTemplate",
    "PrivateGraphEndpointIdentifier": "NeptuneGraph::PrivateGraphEndpoint",
    "ProfileName": "Signer::SigningProfile",
    "PublicIp": "EC2::EIP",
    "PublicTypeArn": "CloudFormation::PublicTypeVersion",
    "QueueUrl": "SQS::Queue",
    "Region": "ARCZonalShift::AutoshiftObserverNotificationStatus",
    "RegistryId": "ECR::RegistryPolicy ECR::RegistryScanningConfiguration ECR::ReplicationConfiguration ECR::SigningConfiguration",
    "ResourceARN": "FSx::Backup FSx::FileCache",
    "ResourceArn": "Glue::Catalog ServiceCatalogAppRegistry::ResourceAssociation",
    "ResourceCollectionType": "DevOpsGuru::ResourceCollection",
    "ResourceIdentifier": "LakeFormation::PrincipalPermissions LakeFormation::TagAssociation",
    "RoleName": "IAM::ServiceLinkedRole",
    "RouteIdentifier": "RefactorSpaces::Route",
    "RuleArn": "SecurityHub::AutomationRuleV2",
    "RuleName": "SES::ReceiptRule",
    "Run": "AppConfig::ExperimentRun",
    "ScalingPlanName": "AutoScalingPlans::ScalingPlan",
    "ScalingPlanVersion": "AutoScalingPlans::ScalingPlan",
    "ScheduledActionName": "AutoScaling::ScheduledAction",
    "SerialNumber": "IAM::VirtualMFADevice",
    "ServiceIdentifier": "RefactorSpaces::Service",
    "StandardsSubscriptionArn": "SecurityHub::Standard",
    "TagsIdentifier": "LakeFormation::TagAssociation",
    "TargetId": "IoT::ResourceSpecificLogging",
    "TemplateName": "ElasticBeanstalk::ConfigurationTemplate",
    "TransitGatewayAttachmentId": "EC2::TransitGatewayConnect EC2::TransitGatewayPeeringAttachment",
    "VdmAttributesResourceId": "SES::VdmAttributes",
    "Version": "Bedrock::AutomatedReasoningPolicyVersion Bedrock::FlowVersion Bedrock::GuardrailVersion",
    "VersionNumber": "AppConfig::HostedConfigurationVersion Wisdom::AIAgentVersion Wisdom::AIGuardrailVersion Wisdom::AIPromptVersion",
}
