"""The store: SQLite by default, PostgreSQL by one URL. Only this package imports SQLAlchemy; only the unit of work commits."""

from __future__ import annotations

from monitor.storage.authors import ErasedAuthor
from monitor.storage.evaluator import Lease, LeaseLost
from monitor.storage.mentions import Added
from monitor.storage.settings import StorageSettings
from monitor.storage.store import NoStoreError, Store
from monitor.storage.unit import UnitOfWork

__all__ = ["Added", "ErasedAuthor", "Lease", "LeaseLost", "NoStoreError", "StorageSettings", "Store", "UnitOfWork"]
