"""Entry point of the function Hold."""

from phone_vault.handlers.entry_point import EntryPoint
from phone_vault.rights_bootstrap import build_right
from phone_vault.services.hold import Hold

handler = EntryPoint(Hold, build_right)
