"""The ports in memory: as strict as the adapters, and breakable on demand."""

from tests.fakes.audit_log import MemoryAuditLog
from tests.fakes.clock import NEW_YEAR, ManualClock
from tests.fakes.counters import MemoryCounterStore
from tests.fakes.disturbances import Disturbances, Killed
from tests.fakes.key_ring import MemoryKeyRingStore
from tests.fakes.kms import THE_KMS_KEY, THE_STORAGE_KEY, MemoryKeyWrapper
from tests.fakes.numbers import MemoryNumberStore
from tests.fakes.passes import MemoryCountedTables, MemoryIndexedRecords, MemorySweptIndex, MemoryWrappedRecords
from tests.fakes.retained import MemoryRetainedStore
from tests.fakes.runs import MemoryRunStore
from tests.fakes.subjects import MemorySubjectStore
from tests.fakes.tables import MemoryTables, Place
from tests.fakes.turns import Turns

__all__ = [
    "NEW_YEAR",
    "THE_KMS_KEY",
    "THE_STORAGE_KEY",
    "Disturbances",
    "Killed",
    "ManualClock",
    "MemoryAuditLog",
    "MemoryCountedTables",
    "MemoryCounterStore",
    "MemoryIndexedRecords",
    "MemoryKeyRingStore",
    "MemoryKeyWrapper",
    "MemoryNumberStore",
    "MemoryRetainedStore",
    "MemoryRunStore",
    "MemorySubjectStore",
    "MemorySweptIndex",
    "MemoryTables",
    "MemoryWrappedRecords",
    "Place",
    "Turns",
]
