"""Entry point of the function Reveal."""

from phone_vault.handlers.entry_point import EntryPoint
from phone_vault.services.reveal import Reveal

handler = EntryPoint(Reveal)
