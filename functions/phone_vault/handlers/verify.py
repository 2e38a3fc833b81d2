"""Entry point of the function Verify."""

from phone_vault.handlers.entry_point import EntryPoint
from phone_vault.services.verify import Verify

handler = EntryPoint(Verify)
