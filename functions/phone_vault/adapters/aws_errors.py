"""What an AWS call failed with, in a word that may be logged: the message may quote the request."""

from botocore.exceptions import BotoCoreError, ClientError


def code_of(error: ClientError | BotoCoreError) -> str:
    """AWS's code (`ThrottlingException`), or the name of what went wrong on the way there."""
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
