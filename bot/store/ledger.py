"""The ledger: the timeline, the cursors and the outbox within one transaction, put together from its parts."""

from __future__ import annotations

from bot.store.corrections import Corrector
from bot.store.digests import Beliefs, Digests
from bot.store.leases import Leases
from bot.store.mutes import Mutes
from bot.store.notes import Notes
from bot.store.notices import Notices
from bot.store.pruning import Pruner
from bot.store.recorder import Recorder
from bot.store.rests import Rests
from bot.store.routing import Router
from bot.store.sources import Sources
from bot.store.subscriptions import Subscriptions


class SqlLedger(
    Sources, Pruner, Recorder, Corrector, Subscriptions, Mutes, Router, Beliefs, Digests, Notes, Notices, Leases, Rests
):
    """ports.Ledger on a database."""
