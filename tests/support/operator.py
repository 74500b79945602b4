"""An operator who remembers what stands and what was said."""

from __future__ import annotations


class Told:
    """ports.Operator for tests."""

    def __init__(self) -> None:
        self.standing: dict[str, str] = {}
        self.said: list[str] = []

    async def tell(self, key: str, words: str) -> None:
        if key not in self.standing:
            self.standing[key] = words
            self.said.append(words)

    async def over(self, key: str, words: str = "") -> None:
        if self.standing.pop(key, None) is not None:
            self.said.append(words or f"over: {key}")
