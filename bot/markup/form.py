"""A message as a request's body: JSON, or a form of several parts where a picture goes along."""

from __future__ import annotations

from hashlib import sha256

import orjson

from bot.model import Message


def form(message: Message) -> tuple[str, bytes]:
    """The body's content type and its bytes, as Discord's webhooks take them: `payload_json`, and `files[0]`."""
    told = orjson.dumps(message.body)
    if message.picture is None:
        return "application/json", told
    png, name = message.picture.png, message.picture.name
    edge = sha256(told + png).hexdigest()
    parts = (
        ('name="payload_json"', "application/json", told),
        (f'name="files[0]"; filename="{name}"', "image/png", png),
    )
    body = b"".join(
        f"--{edge}\r\nContent-Disposition: form-data; {what}\r\nContent-Type: {kind}\r\n\r\n".encode() + data + b"\r\n"
        for what, kind, data in parts
    )
    return f"multipart/form-data; boundary={edge}", body + f"--{edge}--\r\n".encode()
