"""KMS, DynamoDB and the clock: the only importer of the AWS SDK."""
