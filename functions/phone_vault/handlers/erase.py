"""Entry point of the function Erase."""

from phone_vault.handlers.entry_point import EntryPoint
from phone_vault.rights_bootstrap import build_right
from phone_vault.services.erase import Erase

handler = EntryPoint(Erase, build_right)
