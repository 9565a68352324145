# ruff: noqa: E501
"""Says which attributes of a resource (Fn::GetAtt) an update in place does not change.

`tests/statemachines/deploy/generate_identifiers.py` generates IDENTIFIERS from the schemas of CloudFormation's
resource types, which cfn-lint ships: the read-only properties that are a part of the `primaryIdentifier`, or that are
`createOnlyProperties`.
"""

from __future__ import annotations

from typing import Final

_IDS: Final = ("Id", "{}Id")
_ARNS: Final = ("Arn", "{}Arn")

_WITH_THE_RESOURCE: Final = {
    "DefaultNetworkAcl": "EC2::VPC",
    "DefaultSecurityGroup": "EC2::VPC",
    "LoadBalancerFullName": "ElasticLoadBalancingV2::LoadBalancer",
    "RootResourceId": "ApiGateway::RestApi",
    "TargetGroupFullName": "ElasticLoadBalancingV2::TargetGroup",
}
"""Attributes that AWS creates together with the resource, or that are a part of its ARN, by the documentation of the
types ("Return values")."""


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
    """Return whether the attribute is an id or ARN by its name: `Arn`, `Id`, or `VpcId` of a Vpc."""
    last = resource_type.rpartition("::")[2].lower()
    return attribute.lower() in {name.format(last).lower() for name in (*_IDS, *_ARNS)}


# attribute -> resource types, without `AWS::`
IDENTIFIERS: Final = {
    "AccountAliasResourceId": "SupportApp::AccountAlias",
    "AccountId": "ARCZonalShift::AutoshiftObserverNotificationStatus ApplicationSignals::Discovery ApplicationSignals::GroupingConfiguration CloudWatch::OTelEnrichment DevOpsGuru::LogAnomalyDetectionIntegration EC2::SnapshotBlockPublicAccess EC2::VPCBlockPublicAccessOptions Glue::IdentityCenterConfiguration IoT::EncryptionConfiguration Logs::AccountPolicy Logs::StorageTierPolicy SSMGuiConnect::Preferences Shield::DRTAccess Shield::ProactiveEngagement UXC::AccountCustomization XRay::TransactionSearchConfig",
    "ActionId": "Budgets::BudgetsAction",
    "AddonInstanceId": "SES::MailManagerAddonInstance",
    "AddonSubscriptionId": "SES::MailManagerAddonSubscription",
    "AddressListId": "SES::MailManagerAddressList",
    "AgentRuntimeEndpointArn": "BedrockAgentCore::RuntimeEndpoint",
    "AgentRuntimeId": "BedrockAgentCore::Runtime",
    "AliasId": "WorkSpaces::ConnectionAlias",
    "AllocationId": "EC2::EIP",
    "AnalysisTemplateIdentifier": "CleanRooms::AnalysisTemplate",
    "AnomalyDetectorArn": "Logs::LogAnomalyDetector",
    "ApiAssociationIdentifier": "AppSync::DomainNameApiAssociation",
    "ApplicationArn": "ServiceCatalogAppRegistry::AttributeGroupAssociation ServiceCatalogAppRegistry::ResourceAssociation",
    "ApplicationId": "AppConfig::ExperimentDefinition AppConfig::ExperimentRun",
    "ApplicationIdentifier": "RefactorSpaces::Application",
    "ArchiveId": "SES::MailManagerArchive",
    "AssociatedAwsPrincipal": "ResourceExplorer2::DefaultViewAssociation",
    "AssociationArn": "AppSync::SourceApiAssociation CodeGuruReviewer::RepositoryAssociation EKS::PodIdentityAssociation",
    "AssociationId": "Connect::InstanceStorageConfig Connect::SecurityKey DirectConnect::DirectConnectGatewayAssociation EC2::IpPoolRouteTableAssociation EC2::SubnetNetworkAclAssociation FSx::DataRepositoryAssociation GuardDuty::CustomDetectionRuleAssociation SSMQuickSetup::LifecycleAutomation",
    "AssociationIdentifier": "SecurityHub::PolicyAssociation",
    "AttachmentArn": "GlobalAccelerator::CrossAccountAttachment",
    "AttachmentId": "EC2::NetworkInterfaceAttachment NetworkManager::ConnectAttachment NetworkManager::DirectConnectGatewayAttachment NetworkManager::SiteToSiteVpnAttachment NetworkManager::TransitGatewayRouteTableAttachment NetworkManager::VpcAttachment",
    "AttachmentType": "EC2::VPCGatewayAttachment",
    "AttributeGroupArn": "ServiceCatalogAppRegistry::AttributeGroupAssociation",
    "AttributeId": "Connect::DataTableAttribute",
    "AwsAccountId": "Macie::Session",
    "BasePathMappingArn": "ApiGateway::BasePathMappingV2",
    "BotVersion": "Lex::BotVersion",
    "BrowserId": "BedrockAgentCore::BrowserCustom",
    "BundleArn": "BedrockAgentCore::ConfigurationBundle",
    "CacheParameterGroupName": "ElastiCache::ParameterGroup",
    "CidrBlock": "EC2::Route",
    "ClientId": "Cognito::UserPoolClient",
    "ClusterSubnetGroupName": "Redshift::ClusterSubnetGroup",
    "CodeInterpreterId": "BedrockAgentCore::CodeInterpreterCustom",
    "CollaborationIdentifier": "CleanRooms::Collaboration",
    "ConfigId": "Bedrock::EnforcedGuardrailConfiguration",
    "ConfigurationArn": "CloudFormation::HookTypeConfig",
    "ConfiguredTableAssociationIdentifier": "CleanRooms::ConfiguredTableAssociation",
    "ConfiguredTableIdentifier": "CleanRooms::ConfiguredTable",
    "ConnectorArn": "SecurityHub::ConnectorV2",
    "ConsumerARN": "Kinesis::StreamConsumer",
    "CredentialProviderArn": "BedrockAgentCore::ApiKeyCredentialProvider BedrockAgentCore::OAuth2CredentialProvider BedrockAgentCore::PaymentCredentialProvider",
    "DBClusterSnapshotArn": "RDS::ClusterSnapshot",
    "DatastoreId": "HealthLake::FHIRDatastore",
    "DelegatedAdminIdentifier": "SecurityHub::DelegatedAdmin",
    "DeploymentNumber": "AppConfig::Deployment",
    "DirectoryId": "DirectoryService::MicrosoftAD DirectoryService::SimpleAD",
    "DomainId": "DataZone::Connection DataZone::DataSource DataZone::DomainUnit DataZone::Environment DataZone::EnvironmentActions DataZone::EnvironmentBlueprintConfiguration DataZone::EnvironmentProfile DataZone::GroupProfile DataZone::Project DataZone::SubscriptionTarget DataZone::UserProfile",
    "DomainNameArn": "ApiGateway::DomainNameV2",
    "DomainOwner": "CodeArtifact::Repository",
    "EnabledBaselineIdentifier": "ControlTower::EnabledBaseline",
    "EncryptionKey": "CodeArtifact::Domain",
    "EndpointArn": "Lambda::WebFunctionEndpoint",
    "EntitlementArn": "MediaConnect::FlowEntitlement",
    "EnvironmentBlueprintId": "DataZone::EnvironmentBlueprintConfiguration",
    "EnvironmentId": "Cloud9::EnvironmentEC2 DataZone::EnvironmentActions DataZone::SubscriptionTarget",
    "EnvironmentIdentifier": "RefactorSpaces::Environment",
    "ExclusionId": "EC2::VPCBlockPublicAccessExclusion",
    "ExperimentDefinitionId": "AppConfig::ExperimentRun",
    "FileShareARN": "StorageGateway::NFSFileShare StorageGateway::SMBFileShare",
    "FleetId": "EC2::EC2Fleet GameLift::ContainerFleet",
    "FormTypeIdentifier": "DataZone::FormType",
    "FunctionArn": "AppSync::FunctionConfiguration Lambda::Url Lambda::Version Lambda::WebFunction",
    "GatewayIdentifier": "BedrockAgentCore::Gateway",
    "GrantId": "DataZone::PolicyGrant",
    "GroupName": "EC2::PlacementGroup",
    "GuardrailId": "Bedrock::GuardrailVersion",
    "HookArn": "CloudFormation::GuardHook CloudFormation::LambdaHook",
    "IdMappingTableIdentifier": "CleanRooms::IdMappingTable",
    "IdNamespaceAssociationIdentifier": "CleanRooms::IdNamespaceAssociation",
    "Identifier": "DSQL::Cluster DataZone::ProjectProfile MediaLive::CloudWatchAlarmTemplate MediaLive::CloudWatchAlarmTemplateGroup MediaLive::EventBridgeRuleTemplate MediaLive::EventBridgeRuleTemplateGroup MediaLive::SignalMap",
    "IdentifierPartitionInputValues": "Glue::Partition",
    "ImageArn": "Lambda::MicrovmImage",
    "InferenceProfileIdentifier": "Bedrock::ApplicationInferenceProfile",
    "IngressPointId": "SES::MailManagerIngressPoint",
    "InstanceFleetId": "EMR::InstanceFleetConfig",
    "InstanceGroupId": "EMR::InstanceGroupConfig",
    "IntermediateTableIdentifier": "CleanRooms::IntermediateTable",
    "IpamPoolAllocationId": "EC2::IPAMAllocation",
    "JobDefinitionArn": "SageMaker::DataQualityJobDefinition SageMaker::ModelBiasJobDefinition SageMaker::ModelExplainabilityJobDefinition SageMaker::ModelQualityJobDefinition",
    "KeyId": "KMS::ReplicaKey",
    "KeyIdentifier": "PaymentCryptography::Key",
    "LandingZoneIdentifier": "ControlTower::LandingZone",
    "LibraryArn": "Bedrock::DataAutomationLibrary",
    "LocationArn": "DataSync::LocationAzureBlob DataSync::LocationEFS DataSync::LocationFSxLustre DataSync::LocationFSxONTAP DataSync::LocationFSxOpenZFS DataSync::LocationFSxWindows DataSync::LocationHDFS DataSync::LocationNFS DataSync::LocationObjectStorage DataSync::LocationS3 DataSync::LocationSMB",
    "LocationHash": "ApplicationSignals::InstrumentationConfig",
    "ManagerArn": "SSMQuickSetup::ConfigurationManager",
    "MembershipId": "IdentityStore::GroupMembership",
    "MembershipIdentifier": "CleanRooms::Membership",
    "MonitorArn": "CE::AnomalyMonitor",
    "MultiRegionClusterName": "MemoryDB::MultiRegionCluster",
    "Name": "Glue::Classifier Glue::Connection",
    "OrganizationConfigurationIdentifier": "SecurityHub::OrganizationConfiguration",
    "OutputArn": "MediaConnect::FlowOutput",
    "OwnerIdentifier": "DataZone::Owner",
    "OwnerType": "DataZone::Owner",
    "PackId": "SecurityAgent::SecurityRequirementPack",
    "PeeringId": "NetworkManager::TransitGatewayPeering",
    "PipelineIdentifier": "ObservabilityAdmin::TelemetryPipelines",
    "PolicyArn": "Bedrock::AutomatedReasoningPolicy IAM::ManagedPolicy ResilienceHub::ResiliencyPolicy",
    "PolicyId": "DLM::LifecyclePolicy SSM::ResourcePolicy",
    "PoolARN": "StorageGateway::TapePool",
    "PoolId": "WorkSpaces::WorkspacesPool",
    "PrincipalIdentifier": "LakeFormation::PrincipalPermissions",
    "PrivacyBudgetTemplateIdentifier": "CleanRooms::PrivacyBudgetTemplate",
    "PrivateGraphEndpointIdentifier": "NeptuneGraph::PrivateGraphEndpoint",
    "ProfileId": "BedrockAgentCore::BrowserProfile QuickSight::LimitsProfile",
    "ProfileName": "Signer::SigningProfile",
    "ProjectArn": "Bedrock::DataAutomationProject",
    "PromptRouterArn": "Bedrock::IntelligentPromptRouter",
    "ProvisionedProductId": "ServiceCatalog::CloudFormationProvisionedProduct",
    "PublicIp": "EC2::EIP",
    "PublicTypeArn": "CloudFormation::PublicTypeVersion",
    "QueueUrl": "SQS::Queue",
    "RecordArn": "AgentRegistry::RegistryRecord",
    "RecordId": "Connect::DataTableRecord",
    "Region": "ARCZonalShift::AutoshiftObserverNotificationStatus",
    "RegistryId": "ECR::RegistryPolicy ECR::RegistryScanningConfiguration ECR::ReplicationConfiguration ECR::SigningConfiguration",
    "RelayId": "SES::MailManagerRelay",
    "ResourceARN": "FSx::Backup FSx::FileCache",
    "ResourceArn": "Glue::Catalog ServiceCatalogAppRegistry::ResourceAssociation",
    "ResourceCollectionType": "DevOpsGuru::ResourceCollection",
    "ResourceIdentifier": "LakeFormation::PrincipalPermissions LakeFormation::TagAssociation",
    "ResourcePropertyArn": "Glue::IntegrationResourceProperty",
    "RevisionArn": "Lambda::WebFunctionRevision",
    "RevocationId": "ElasticLoadBalancingV2::TrustStoreRevocation",
    "RoleName": "IAM::ServiceLinkedRole",
    "RouteIdentifier": "RefactorSpaces::Route",
    "RuleARN": "XRay::SamplingRule",
    "RuleArn": "ComputeOptimizer::AutomationRule ElasticLoadBalancingV2::ListenerRule ObservabilityAdmin::OrganizationCentralizationRule ObservabilityAdmin::OrganizationTelemetryRule ObservabilityAdmin::TelemetryRule SecurityHub::AutomationRule SecurityHub::AutomationRuleV2",
    "RuleId": "BedrockAgentCore::GatewayRule",
    "RuleName": "SES::ReceiptRule",
    "RuleSetId": "SES::MailManagerRuleSet",
    "Run": "AppConfig::ExperimentRun",
    "ScalingPlanName": "AutoScalingPlans::ScalingPlan",
    "ScalingPlanVersion": "AutoScalingPlans::ScalingPlan",
    "ScheduledActionName": "AutoScaling::ScheduledAction",
    "SerialNumber": "IAM::VirtualMFADevice",
    "ServiceArn": "ECS::ExpressGatewayService",
    "ServiceId": "EC2::VPCEndpointService",
    "ServiceIdentifier": "RefactorSpaces::Service",
    "SnapshotArn": "DocDBElastic::ClusterSnapshot",
    "SourceArn": "MediaConnect::FlowSource",
    "StandardsSubscriptionArn": "SecurityHub::Standard",
    "SubscriptionArn": "CE::AnomalySubscription",
    "TagsIdentifier": "LakeFormation::TagAssociation",
    "TargetGroupArn": "RDS::DBProxyTargetGroup",
    "TargetId": "BedrockAgentCore::GatewayTarget IoT::ResourceSpecificLogging",
    "TaskArn": "ResourceGroups::TagSyncTask",
    "TemplateArn": "WellArchitected::ReviewTemplate",
    "TemplateName": "ElasticBeanstalk::ConfigurationTemplate",
    "TrafficPolicyId": "SES::MailManagerTrafficPolicy",
    "TransformId": "Glue::MLTransform",
    "TransitGatewayAttachmentId": "EC2::TransitGatewayConnect EC2::TransitGatewayPeeringAttachment",
    "VdmAttributesResourceId": "SES::VdmAttributes",
    "Version": "Bedrock::AutomatedReasoningPolicyVersion Bedrock::FlowVersion Bedrock::GuardrailVersion",
    "VersionId": "Glue::SchemaVersion",
    "VersionNumber": "AppConfig::HostedConfigurationVersion Wisdom::AIAgentVersion Wisdom::AIGuardrailVersion Wisdom::AIPromptVersion",
    "VirtualInterfaceArn": "DirectConnect::PrivateVirtualInterface DirectConnect::PublicVirtualInterface DirectConnect::TransitVirtualInterface",
    "WindowId": "SSM::MaintenanceWindow",
    "WindowTargetId": "SSM::MaintenanceWindowTarget",
    "WindowTaskId": "SSM::MaintenanceWindowTask",
}
