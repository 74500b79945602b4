"""Notes come back, on each database."""

from __future__ import annotations

from bot.store import SqlStore


async def test_a_note_comes_back_and_the_last_one_counts(store: SqlStore) -> None:
    assert await store.read(lambda ledger: ledger.note("a")) == ""
    await store.write(lambda ledger: ledger.save_note("a", "one"))
    await store.write(lambda ledger: ledger.save_note("b", "another"))
    await store.write(lambda ledger: ledger.save_note("a", "two"))
    assert await store.read(lambda ledger: (ledger.note("a"), ledger.note("b"))) == ("two", "another")
