"""A question -> an answer: what the timeline, the providers' states and the sources read like; knows no platform."""

from __future__ import annotations

from bot.answer.states import SourceLine, source_words, sources, status_json, status_line
from bot.answer.subscriptions import subscription_words
from bot.answer.timeline import incident_line, incident_words, timeline_words
from bot.answer.why import Account, account, why_words

__all__ = [
    "Account",
    "SourceLine",
    "account",
    "incident_line",
    "incident_words",
    "source_words",
    "sources",
    "status_json",
    "status_line",
    "subscription_words",
    "timeline_words",
    "why_words",
]
