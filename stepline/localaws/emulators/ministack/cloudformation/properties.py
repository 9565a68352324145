"""Patches properties that ministack's CloudFormation drops, and that permissions depend on."""

from __future__ import annotations

from ministack.services import dynamodb, lambda_svc, s3, sns

from stepline.localaws.emulators.ministack.cloudformation.resource_types import Properties, after_change

_ENCRYPTION = (
    "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
    "<SSEAlgorithm>{algorithm}</SSEAlgorithm>{key}"
    "</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
)

_KEYS_OF_S3 = {"SSEAlgorithm": "AES256"}


def encrypt_buckets() -> None:
    """Give a bucket the default encryption of its template; without it no permission on a key is needed."""

    def apply(bucket: str, properties: Properties) -> None:
        for rule in properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", []):
            default = rule.get("ServerSideEncryptionByDefault", _KEYS_OF_S3)
            key = default.get("KMSMasterKeyID")
            key = f"<KMSMasterKeyID>{key}</KMSMasterKeyID>" if key else ""
            document = _ENCRYPTION.format(algorithm=default["SSEAlgorithm"], key=key)
            s3._put_bucket_encryption(bucket, document.encode())

    after_change("AWS::S3::Bucket", apply)


def encrypt_topics() -> None:
    """Give a topic the key of its template; without it no permission on the key is needed."""

    def apply(topic_arn: str, properties: Properties) -> None:
        attributes = sns._topics[topic_arn]["attributes"]
        attributes.pop("KmsMasterKeyId", None)
        if "KmsMasterKeyId" in properties:
            attributes["KmsMasterKeyId"] = properties["KmsMasterKeyId"]

    after_change("AWS::SNS::Topic", apply)


def set_vpcs_of_functions() -> None:
    """Show the subnets and security groups of a function's template. It still runs on this machine."""

    def apply(name: str, properties: Properties) -> None:
        vpc = lambda_svc._vpc_config_with_id(properties.get("VpcConfig"))
        lambda_svc._functions[name]["config"]["VpcConfig"] = vpc

    after_change("AWS::Lambda::Function", apply)


def set_times_to_live_of_tables() -> None:
    """Let the items of a table expire by the attribute that its template names."""

    def apply(table: str, properties: Properties) -> None:
        given = properties.get("TimeToLiveSpecification")
        if given is None:
            dynamodb._ttl_settings.pop(table, None)
        else:
            dynamodb._update_ttl({"TableName": table, "TimeToLiveSpecification": given})

    after_change("AWS::DynamoDB::Table", apply)
