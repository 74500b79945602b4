"""Takes secrets out of what is about to be shown or kept, however they are spelled there; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote, quote_plus

from bot.model import Capture

COVER = "[secret]"
_USER = re.compile(r"(?<=//)[^/?#@\s]*@")


class Veil:
    """A veil over `secrets`: each of them as it is, quoted for an address, or for JSON."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        spelled = sorted({form for secret in secrets for form in spellings(secret)}, key=len, reverse=True)
        self._text = re.compile("|".join(map(re.escape, spelled))) if spelled else None
        self._bytes = re.compile(b"|".join(re.escape(form.encode()) for form in spelled)) if spelled else None

    def text(self, words: str) -> str:
        """The words without the secrets."""
        return self._text.sub(COVER, words) if self._text else words

    def address(self, url: str) -> str:
        """An address without its user, which none needs to read it again, and without secrets."""
        return self.text(_USER.sub("", url))

    def body(self, body: bytes) -> bytes:
        """The same for bytes that are text, or may be."""
        return self._bytes.sub(COVER.encode(), body) if self._bytes else body

    def capture(self, capture: Capture) -> Capture:
        """A capture whose address, headers and body repeat no secret; some servers say what they were told."""
        headers = {name: self.text(value) for name, value in capture.headers.items()}
        return replace(capture, url=self.address(capture.url), headers=headers, body=self.body(capture.body))


def spellings(secret: str) -> set[str]:
    """How a secret may stand in a text."""
    return {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
