"""KMS, DynamoDB and the clock: the only importer of boto3."""
