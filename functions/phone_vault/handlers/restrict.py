"""Entry point of the function Restrict."""

from phone_vault.handlers.entry_point import EntryPoint
from phone_vault.rights_bootstrap import build_right
from phone_vault.services.restrict import Restrict

handler = EntryPoint(Restrict, build_right)
