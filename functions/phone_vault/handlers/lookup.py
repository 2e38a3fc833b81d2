"""Entry point of the function Lookup."""

from phone_vault.handlers.entry_point import EntryPoint
from phone_vault.services.lookup import Lookup

handler = EntryPoint(Lookup)
