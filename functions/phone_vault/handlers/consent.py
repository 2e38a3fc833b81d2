"""Entry point of the function Consent."""

from phone_vault.handlers.entry_point import EntryPoint
from phone_vault.rights_bootstrap import build_right
from phone_vault.services.consent import Consent

handler = EntryPoint(Consent, build_right)
