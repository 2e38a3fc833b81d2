"""Entry point of the function Encrypt."""

from phone_vault.handlers.entry_point import EntryPoint
from phone_vault.services.encrypt import Encrypt

handler = EntryPoint(Encrypt)
