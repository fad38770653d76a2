"""Alembic migrations: every record exists from the first one."""
