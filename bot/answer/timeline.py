"""The timeline for a person: incidents and their updates, in lines."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import TextWrapper

from bot.core import lag
from bot.core.dissent import contradiction
from bot.core.summary import STATES, beside, disagreement_words, duration, entry, impact_words, listing, title_of
from bot.core.text import clip
from bot.markup import PLAIN
from bot.model import Directory, Incident

TITLE = 160  #: characters; some titles are whole reports
WIDTH = 80  #: columns of the timeline for a person


def timeline_words(incidents: Iterable[Incident], directory: Directory) -> str:
    """The timeline for a person, in lines of WIDTH columns: each incident with its updates, oldest first within it."""
    return "\n\n".join(incident_words(incident, directory) for incident in incidents)


def incident_words(incident: Incident, directory: Directory) -> str:
    """One incident and its updates, in lines."""
    lines = heading(incident, directory)
    lines += wrapped(" · ".join(filter(None, (listing(incident.components), listing(incident.regions)))), "  ")
    for words in beside(incident):
        lines += wrapped(PLAIN.line(words), "  ")
    if found := contradiction(incident):
        lines += wrapped(PLAIN.line(disagreement_words(found, directory.labels)), "  ")
    lines.append(f"  id {incident.id}{f'  {incident.url}' if incident.url else ''}")
    if lagging := lag.words(incident, directory.labels):
        lines += wrapped(lagging, "  ")
    for update in incident.updates:
        told = entry(update, directory.labels)
        lines += wrapped(" · ".join(filter(None, (told.state, PLAIN.line(told.said)))), "  ")
        lines += wrapped(told.text, "    ")
    return "\n".join(lines)


def incident_line(incident: Incident) -> str:
    """`3fa9c1d20b7e Users can't sign in [MO1221364], 3 updates`."""
    references = f" [{', '.join(incident.references)}]" if incident.references else ""
    count = len(incident.updates)
    return f"{incident.id} {clip(title_of(incident), 100)}{references}, {count} update{'' if count == 1 else 's'}"


def heading(incident: Incident, directory: Directory) -> list[str]:
    """Its name, and its state in a line."""
    provider = directory.providers.get(incident.provider, incident.provider)
    references = f" [{', '.join(incident.references)}]" if incident.references else ""
    lines = wrapped(f"{provider}: {clip(title_of(incident), TITLE)}{references}", "")
    span = f"since {PLAIN.line((incident.started_at,))}"
    if incident.resolved_at:
        span += f", over after {duration(incident.resolved_at - incident.started_at)}"
    return lines + wrapped(f"{STATES[incident.status]} · {impact_words(incident)} · {span}", "  ")


def wrapped(text: str, indent: str) -> list[str]:
    """Words in lines; a longer one, such as an address, is left whole."""
    wrapper = TextWrapper(WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    wrapper.break_long_words = False
    return wrapper.wrap(text)
