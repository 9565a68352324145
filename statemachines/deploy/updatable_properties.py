"""Properties that are updated in place, although CloudFormation says that they are replaced Conditionally.

The documentation of each says "Update requires: No interruption" or "Some interruptions", and names no
condition that a change meets by itself:

- an Auto Scaling group is replaced only if its UpdatePolicy says so (WillReplace);
- an EC2 instance only if its root device is an instance store, which current instance types do not have.
"""

from __future__ import annotations

from typing import Final

UPDATED_IN_PLACE: Final = {
    "AWS::AppSync::GraphQLApi": "LambdaAuthorizerConfig OpenIDConnectConfig UserPoolConfig",
    "AWS::AutoScaling::AutoScalingGroup": "LaunchConfigurationName LaunchTemplate MixedInstancesPolicy"
    " VPCZoneIdentifier",
    "AWS::EC2::Instance": "AdditionalInfo Affinity EbsOptimized HostId InstanceType KernelId"
    " PrivateDnsNameOptions RamdiskId SecurityGroupIds Tenancy UserData",
    "AWS::ElastiCache::CacheCluster": "IpDiscovery",
    "AWS::Neptune::DBInstance": "AutoMinorVersionUpgrade DBParameterGroupName PreferredMaintenanceWindow",
    "AWS::RDS::DBInstance": "AutoMinorVersionUpgrade BackupRetentionPeriod DBParameterGroupName MultiAZ"
    " PreferredMaintenanceWindow",
}


def is_updated_in_place(resource_type: str, property_name: str) -> bool:
    return property_name in UPDATED_IN_PLACE.get(resource_type, "").split()
