"""Puts a function for privacy teams together from its environment."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from phone_vault.adapters.receipts import DynamoReceiptStore
from phone_vault.adapters.retained import DynamoRetainedStore
from phone_vault.adapters.signer import KmsSigner
from phone_vault.adapters.subjects import DynamoSubjectStore
from phone_vault.bootstrap import Application, Parts, parts_of, ports_of
from phone_vault.services.consent import Consent
from phone_vault.services.destruction import Destruction
from phone_vault.services.erase import Erase
from phone_vault.services.erasures import Erasures
from phone_vault.services.hold import Hold
from phone_vault.services.receipts import Receipts
from phone_vault.services.restrict import Restrict
from phone_vault.services.right import Right, RightStores
from phone_vault.settings import erasure_settings_from


def build_right(right: type[Right[Any]], environ: Mapping[str, str]) -> Application:
    """The function for one verb of the privacy teams."""
    parts = parts_of(right.name, right.mac_keys_from, environ)
    return Application(_MAKERS[right](parts, environ), parts.tally, parts.settings.user_pool)


def _stores(parts: Parts) -> RightStores:
    tables = parts.settings.tables
    return RightStores(DynamoSubjectStore(parts.tables, tables), DynamoRetainedStore(parts.tables, tables))


def _erasures(parts: Parts, environ: Mapping[str, str]) -> Erasures:
    settings = erasure_settings_from(environ)
    return Erasures(
        policy=parts.policy,
        destruction=Destruction(_stores(parts).retained, tombstone_days=parts.policy.tombstone_days),
        receipts=Receipts(
            DynamoReceiptStore(parts.tables, parts.settings.tables),
            KmsSigner(parts.clients.kms, settings.receipt_key_arn),
            parts.trail,
            key_recovery=timedelta(days=settings.key_recovery_days),
        ),
        clock=parts.clock,
    )


def _consent(parts: Parts, environ: Mapping[str, str]) -> Consent:
    del environ
    return Consent(_stores(parts), **ports_of(parts))


def _restrict(parts: Parts, environ: Mapping[str, str]) -> Restrict:
    del environ
    return Restrict(_stores(parts), **ports_of(parts))


def _hold(parts: Parts, environ: Mapping[str, str]) -> Hold:
    return Hold(_stores(parts), _erasures(parts, environ), **ports_of(parts))


def _erase(parts: Parts, environ: Mapping[str, str]) -> Erase:
    return Erase(_stores(parts), _erasures(parts, environ), **ports_of(parts))


_MAKERS: Mapping[type[Right[Any]], Callable[[Parts, Mapping[str, str]], Right[Any]]] = {
    Consent: _consent,
    Restrict: _restrict,
    Hold: _hold,
    Erase: _erase,
}
