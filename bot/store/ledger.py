"""The ledger: the timeline, the cursors and the outbox within one transaction, put together from its parts."""

from __future__ import annotations

from bot.store.corrections import Corrector
from bot.store.digests import Beliefs, Digests
from bot.store.mutes import Mutes
from bot.store.notes import Notes
from bot.store.notices import Notices
from bot.store.recorder import Recorder
from bot.store.routing import Router
from bot.store.sources import Sources
from bot.store.subscriptions import Subscriptions
from bot.store.timeline import Timeline


class SqlLedger(Sources, Timeline, Recorder, Corrector, Subscriptions, Mutes, Router, Beliefs, Digests, Notes, Notices):
    """ports.Ledger on a database."""
