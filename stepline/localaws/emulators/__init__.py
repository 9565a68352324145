"""Every place where stepline reaches into an emulator's insides, and no other.

ministack 1.5.33 serves S3, Lambda's API, IAM, STS, KMS, CloudFormation, EventBridge
and CloudWatch Logs; moto 5.2.5 interprets state machines. Both are pinned: each
function here says what it mends, and tests/localaws/emulators/ notices when a new
version no longer needs it. The rest of stepline speaks boto3.
"""
