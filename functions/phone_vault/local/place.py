"""Where the embedded stack stands: one region of one account, under one name."""

ACCOUNT = "123456789012"
REGION = "eu-west-1"
PARTITION = "aws"
STACK = "phone-vault"


def arn(service: str, resource: str) -> str:
    """ARN of something of this account in this region."""
    return f"arn:{PARTITION}:{service}:{REGION}:{ACCOUNT}:{resource}"
