"""Entry point of the function Decrypt."""

from phone_vault.handlers.entry_point import EntryPoint
from phone_vault.services.decrypt import Decrypt

handler = EntryPoint(Decrypt)
