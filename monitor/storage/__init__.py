"""The store: SQLite by default, PostgreSQL by one URL. Only this package imports SQLAlchemy; only the unit of work commits."""

from __future__ import annotations

from monitor.storage.erasures import Erased
from monitor.storage.evaluator import Lease, LeaseLost
from monitor.storage.holds import Hold
from monitor.storage.mentions import Added
from monitor.storage.migrate import NoStoreError
from monitor.storage.session import StoreAwayError, StoreContendedError, StoreDamagedError, StoreFullError
from monitor.storage.settings import Retention, StorageSettings
from monitor.storage.store import Store, look, upgrade
from monitor.storage.trouble import StoreTrouble
from monitor.storage.unit import UnitOfWork

__all__ = [
    "Added",
    "Erased",
    "Hold",
    "Lease",
    "LeaseLost",
    "NoStoreError",
    "Retention",
    "StorageSettings",
    "Store",
    "StoreAwayError",
    "StoreContendedError",
    "StoreDamagedError",
    "StoreFullError",
    "StoreTrouble",
    "UnitOfWork",
    "look",
    "upgrade",
]
