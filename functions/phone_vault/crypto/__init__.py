"""Ciphertexts by the AWS Encryption SDK, MACs by `hmac`: no format of our own."""
