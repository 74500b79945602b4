"""Whether a redirect stays where it began: only those are followed, and so only those can be a loop."""

from __future__ import annotations

from yarl import URL


def same_place(target: URL, onward: URL) -> bool:
    """Whether a redirect stays with its host, "www." aside, on the same port, or goes from http to https."""
    if bare(target) != bare(onward):
        return False
    if target.scheme == onward.scheme:
        return target.port == onward.port
    return (target.scheme, target.port, onward.scheme, onward.port) == ("http", 80, "https", 443)


def bare(target: URL) -> str:
    """The host without a leading "www." and a last dot."""
    return (target.raw_host or "").lower().removeprefix("www.").rstrip(".")
