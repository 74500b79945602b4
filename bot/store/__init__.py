"""The room of the store: the timeline, the cursors and the outbox in a database, SQLite by default or PostgreSQL.

`engine.py` opens it and runs whole transactions on its own threads; `ledger.py` is what a transaction may do, put
together from one module per concern; `schema.py` is what the tables are and `migrations/` how they came to be so;
`trouble.py` says in one line what is wrong with a database.
"""

from __future__ import annotations

from bot.store.engine import SqlStore, open_store

__all__ = ["SqlStore", "open_store"]
