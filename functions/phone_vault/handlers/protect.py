"""Entry point of the function Protect."""

from phone_vault.handlers.entry_point import EntryPoint
from phone_vault.services.protect import Protect

handler = EntryPoint(Protect)
