"""Discord's buttons and menus as its API takes them, and what a press on one says; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.markup import clean
from bot.markup.fit import fit, units

# Discord's limits (its OpenAPI document: ActionRowComponentForMessageRequest and what stands in it)
ID = 100  #: characters of an id
LABEL = 80  #: … of a button's words
CHOICE = 100  #: … of a choice's words and of its value
CHOICES = 25  #: in one menu
ROW = 5  #: buttons beside each other
ROWS = 5

PREFIX = "sb"
ACTION_ROW, BUTTON, MENU = 1, 2, 3
GREY, LINK = 2, 5

Component = dict[str, object]


def press_id(verb: str, value: str) -> str:
    """The id of a button or menu, from which alone a press is understood: by any process, also after a restart."""
    return f"{PREFIX}:{verb}:{value}"


def pressed(custom_id: str) -> tuple[str, str] | None:
    """The verb and the value of what was pressed; None where it is none of ours."""
    prefix, _, rest = custom_id.partition(":")
    verb, colon, value = rest.partition(":")
    return (verb, value) if prefix == PREFIX and verb and colon else None


def button(verb: str, value: str, words: str) -> Component | None:
    """Something to press; None where its id would be longer than Discord's ids are."""
    custom_id = press_id(verb, value)
    label = _words(words, LABEL)
    if units(custom_id) > ID or custom_id != clean(custom_id):
        return None
    return {"type": BUTTON, "style": GREY, "label": label, "custom_id": custom_id}


def link(words: str, url: str) -> Component | None:
    """A button that opens an address (one that `fit.web_address` let through); None for one too long for a button."""
    return {"type": BUTTON, "style": LINK, "label": _words(words, LABEL), "url": url} if 0 < len(url) <= 512 else None


def menu(
    verb: str, value: str, hint: str, choices: Iterable[tuple[str, str]], *, chosen: Sequence[str] = (), most: int = 1
) -> Component | None:
    """A menu of (value, words), of which up to `most` can be chosen; None where there is nothing to choose from."""
    known = {one: words for one, words in choices if 0 < units(one) <= CHOICE and one == clean(one)}
    options = [
        {"label": _words(words, CHOICE), "value": one, **({"default": True} if one in chosen else {})}
        for one, words in list(known.items())[:CHOICES]
    ]
    custom_id = press_id(verb, value)
    if not options or units(custom_id) > ID:
        return None
    most = min(most, len(options))
    return {
        "type": MENU,
        "custom_id": custom_id,
        "placeholder": _words(hint, CHOICE),
        "min_values": 1,
        "max_values": most,
        "options": options,
    }


def rows(*components: Component | None) -> list[Component]:
    """Components in rows: a menu fills one, buttons share one; what is None, twice there or too much is left out."""
    made: list[list[Component]] = []
    once = {one.get("custom_id", one.get("url")): one for one in reversed(components) if one}
    for one in reversed(once.values()):
        last = made[-1] if made else []
        if one["type"] == MENU or not last or last[0]["type"] == MENU or len(last) == ROW:
            made.append([one])
        else:
            last.append(one)
    return [{"type": ACTION_ROW, "components": row} for row in made[:ROWS]]


def _words(words: str, limit: int) -> str:
    """Words on one line, never empty."""
    return fit(" ".join(clean(words).split()), limit, cost=units).strip() or "…"
