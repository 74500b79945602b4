"""statusbot.toml and .env to frozen Settings; the only reader of the environment (in `settings.load`).

Every mistake is one UsageError of one line that names the setting and the mend. What may be a secret (an address, a
token, a whole destination that is none) is not repeated in it.
"""

from __future__ import annotations

from bot.config.environment import check_destination, secret_values
from bot.config.objects import providers_from, subscriptions_from
from bot.config.parse import nearest, parse_destination, parse_duration, parse_impact, parse_listen, parse_mode
from bot.config.settings import Settings, load
from bot.config.zone import zone_named

__all__ = [
    "Settings",
    "check_destination",
    "load",
    "nearest",
    "parse_destination",
    "parse_duration",
    "parse_impact",
    "parse_listen",
    "parse_mode",
    "providers_from",
    "secret_values",
    "subscriptions_from",
    "zone_named",
]
