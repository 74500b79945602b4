"""Messages as pages: Teams cards drawn by Microsoft's own package, Slack's blocks and Discord's embeds near enough."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

HERE = Path(__file__).parent
CARDS = HERE / "node_modules" / "adaptivecards" / "dist" / "adaptivecards.min.js"
ZONE = ZoneInfo("America/New_York")  #: the reader's
PHONE, DESK = 390, 720  #: pixels across

Json = Mapping[str, Any]

_FONTS = '"Segoe UI","Noto Sans","DejaVu Sans",sans-serif,"Noto Color Emoji"'


def _page(content: str, paper: str, ink: str, style: str = "", theme: str = "") -> str:
    """A whole page."""
    plain = f"*{{box-sizing:border-box}} body{{margin:0;padding:12px;background:{paper};color:{ink};"
    plain += f"font:14px/1.46 {_FONTS};overflow-wrap:anywhere}} a{{color:#1d9bd1;text-decoration:none}}"
    head = f'<!doctype html><meta charset="utf-8"><style>{plain}{style}</style>'
    return f'{head}<body class="{theme}">{content}</body>'


def _style(name: str) -> str:
    return (HERE / f"{name}.css").read_text(encoding="utf-8")


def local(at: datetime) -> str:
    """A time as the reader's own client shows it."""
    return f"{at.astimezone(ZONE):%b %-d, %-I:%M %p}"


# --- Teams -------------------------------------------------------------------------------------------------------

_DATE = re.compile(r"\{\{(DATE|TIME)\((\d[^,)]+)(?:, *\w+)?\)\}\}")


#: Teams' own rendering of Markdown, as far as our escapes need it
_MARKDOWN = r"""AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
  result.outputHtml = text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/\n\n/g, '<br>')
    .replace(/\\([\\*_~`|\[\]<&#>+.)-])/g, '$1');
  result.didProcess = true;
};"""
_DRAW = """window.wrong = [];
const card = new AdaptiveCards.AdaptiveCard(), context = new AdaptiveCards.SerializationContext();
card.hostConfig = new AdaptiveCards.HostConfig(CONFIG);
card.parse(CARD, context);
for (let i = 0; i < context.eventCount; i++) window.wrong.push(context.getEventAt(i).message);
document.getElementById('card').appendChild(card.render());"""


def teams(card: Json, *, dark: bool = False) -> str:
    """A page that draws a card as Teams would; `window.wrong` holds what the package complains of."""
    config = (HERE / ("teams-dark.json" if dark else "teams-light.json")).read_text(encoding="utf-8")
    told = json.loads(_DATE.sub(_teams_time, json.dumps(card)))
    package = CARDS.read_text(encoding="utf-8")
    draw = _DRAW.replace("CONFIG", config).replace("CARD", _script(told))
    content = f"<div id=card></div><script>{package}</script><script>{_MARKDOWN}{draw}</script>"
    return _page(content, *(("#1f1f1f", "#ffffff") if dark else ("#ffffff", "#242424")))


def _teams_time(found: re.Match[str]) -> str:
    at = datetime.fromisoformat(found[2]).astimezone(ZONE)
    return f"{at:%-m/%-d/%Y}" if found[1] == "DATE" else f"{at:%-I:%M %p}"


def _script(value: object) -> str:
    """A value within a script."""
    return json.dumps(value).replace("</", "<\\/")


# --- Slack -------------------------------------------------------------------------------------------------------


def slack(blocks: Sequence[Json], *, dark: bool = False) -> str:
    """A page with a message of these blocks."""
    sender = "<div><span class=name>statusbot</span> <span class=app>APP</span></div>"
    content = sender + "".join(_block(block) for block in blocks)
    colours = ("#1a1d21", "#d1d2d3") if dark else ("#ffffff", "#1d1c1d")
    return _page(content, *colours, _style("slack"), "dark" if dark else "")


def _block(block: Json) -> str:
    kind = block["type"]
    if kind == "header":
        return f"<div class=header>{escape(block['text']['text'])}</div>"
    if kind == "section":
        fields = "".join(f"<div>{_words(field)}</div>" for field in block.get("fields", ()))
        return f"<div class=rich>{_words(block['text']) if 'text' in block else ''}{fields}</div>"
    if kind == "context":
        return f"<div class=context>{' '.join(_words(part) for part in block['elements'])}</div>"
    if kind == "rich_text":
        return f"<div class=rich>{''.join(_rich(part) for part in block['elements'])}</div>"
    if kind == "actions":
        return "".join(f"<button>{escape(part['text']['text'])}</button>" for part in block["elements"])
    if kind == "image":
        return f'<img alt="{escape(block["alt_text"])}" src="{block.get("image_url", "")}" style="max-width: 100%">'
    return "<div class=divider></div>" if kind == "divider" else ""


def _words(text: Json) -> str:
    """Plain text, or mrkdwn whose times and calls are shown."""
    if text["type"] == "plain_text":
        return escape(text["text"])
    timed = re.sub(r"<!date\^(\d+)\^[^|]*\|[^>]*>", lambda found: _stamp(int(found[1])), text["text"])
    return re.sub(r"&lt;!(here|channel)&gt;|<!(here|channel)>", r"<b>@\1\2</b>", timed)


def _rich(part: Json) -> str:
    if part["type"] == "rich_text_list":
        return f"<ul>{''.join(f'<li>{_rich(item)}</li>' for item in part['elements'])}</ul>"
    inside = "".join(_span(element) for element in part["elements"])
    return f"<blockquote>{inside}</blockquote>" if part["type"] == "rich_text_quote" else f"<div>{inside}</div>"


def _span(element: Json) -> str:
    if element["type"] == "date":
        return f"<span class=time>{_stamp(element['timestamp'])}</span>"
    if element["type"] == "channel":
        return '<a href="#">#a-channel</a>'
    if element["type"] == "link":
        return f'<a href="#">{escape(element.get("text") or element["url"])}</a>'
    words, style = escape(element.get("text", "")), element.get("style", {})
    words = f"<b>{words}</b>" if style.get("bold") else words
    return f"<i>{words}</i>" if style.get("italic") else words


def _stamp(seconds: int) -> str:
    return local(datetime.fromtimestamp(seconds, UTC))


# --- Discord -----------------------------------------------------------------------------------------------------


def discord(body: Json) -> str:
    """A page with a message of one embed, in Discord's dark colours."""
    content = f"<div>{_markdown(body.get('content', ''))}</div>{_embed(body['embeds'][0])}"
    rows = [part for row in body.get("components", ()) for part in row.get("components", ())]
    content += "".join(f"<button>{escape(part.get('label', ''))}</button>" for part in rows)
    return _page(content, "#313338", "#dbdee1", _style("discord"))


def _embed(embed: Json) -> str:
    title = _markdown(embed.get("title", ""))
    parts = [
        f"<div class=author>{escape(embed['author']['name'])}</div>" if "author" in embed else "",
        f"<div class=title>{f'<a href=#>{title}</a>' if embed.get('url') else title}</div>",
        f"<div class=words>{_markdown(embed.get('description', ''))}</div>",
        f"<div class=fields>{''.join(_field(field) for field in embed.get('fields', ()))}</div>",
        f"<div class=footer>{escape(embed['footer']['text'])}</div>",
    ]
    return f"<div class=embed style='border-color:#{embed.get('color', 0):06x}'>{''.join(parts)}</div>"


def _field(field: Json) -> str:
    where = "field inline" if field.get("inline") else "field"
    return f"<div class='{where}'><b>{_markdown(field['name'])}</b>{_markdown(field['value'])}</div>"


def _markdown(words: str) -> str:
    """What Discord makes of our own marks: bold, small lines, times, and escapes that vanish."""
    shown = escape(words, quote=False)
    shown = re.sub(r"&lt;t:(\d+):R&gt;", "<span class=time>10 months ago</span>", shown)
    shown = re.sub(r"&lt;t:(\d+):f&gt;", lambda found: f"<span class=time>{_stamp(int(found[1]))}</span>", shown)
    shown = re.sub(r"(?m)^-# (.*)$", r"<span class=small>\1</span>", shown)
    shown = re.sub(r"\*\*((?:[^*\\]|\\.)+)\*\*", r"<b>\1</b>", shown)
    return re.sub(r"\\([\\*_~`|\[\]#>+.()-]|&lt;)", r"\1", shown)
