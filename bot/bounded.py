"""Bounds for a library that speaks through requests, which reads whatever an answer brings for as long as it comes."""

from __future__ import annotations

from io import BytesIO
from time import monotonic
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

LONGEST = 1_000_000  #: bytes of an answer that are read, unpacked; what says whether it went well is in the first few
PATIENCE = 30.0  #: seconds for them


class Bounded(HTTPAdapter):
    """How requests sends, but an answer ends after LONGEST bytes or `patience` seconds."""

    def __init__(self, *, patience: float = PATIENCE, **options: Any) -> None:
        super().__init__(**options)
        self._patience = patience

    def build_response(self, req: Any, resp: Any) -> Any:
        """The response with all that is read of its body. Raises requests.ConnectionError where that breaks off."""
        response = super().build_response(req, resp)
        try:
            response.raw = BytesIO(beginning(resp, self._patience))
        except urllib3.exceptions.HTTPError as error:
            raise requests.ConnectionError(type(error).__name__, request=req) from None
        finally:
            resp.close()
        return response


def beginning(response: urllib3.BaseHTTPResponse, patience: float) -> bytes:
    """What comes of an answer's body within the bounds. Raises urllib3's errors."""
    parts, left, end = [], LONGEST, monotonic() + patience
    while left > 0 and monotonic() < end and (part := response.read1(min(left, 65_536), decode_content=True)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def bound() -> None:
    """Let everything in this process that speaks through requests do so within the bounds.

    Apprise makes its sessions itself, and there is no other way to give them a part.
    """
    requests.sessions.HTTPAdapter = Bounded  # type: ignore[attr-defined, assignment]
