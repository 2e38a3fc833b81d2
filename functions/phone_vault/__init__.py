"""Phone Vault: a serverless vault for phone numbers."""
