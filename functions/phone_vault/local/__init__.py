"""The embedded default: the real template on an AWS in this process, made as strict as ours has to be."""

from phone_vault.local.cloud import LocalCloud, current
from phone_vault.local.errors import ExecutionFailed, FunctionError

__all__ = ["ExecutionFailed", "FunctionError", "LocalCloud", "current"]
