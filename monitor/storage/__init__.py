"""The store: SQLite by default, PostgreSQL by one URL. Only this package imports SQLAlchemy; only the unit of work commits."""
