"""statusbot: one believable timeline of providers' trouble, told to Slack, Teams and Discord."""

__version__ = "0.1.0"
