"""The only code that imports ministack or moto, and reaches into their insides.

ministack 1.5.33 serves S3, Lambda's API, IAM, STS, KMS, CloudFormation, EventBridge and CloudWatch Logs; moto
5.2.5 interprets state machines. Both versions are pinned. Each function that changes one of them says what it
patches, and tests/localaws/emulators/ fails when a new version no longer needs it.
"""
