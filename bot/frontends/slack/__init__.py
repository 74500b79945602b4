"""Slack's way in: an app on Bolt, by Socket Mode or by HTTP. Nothing is imported here: `manifest` needs no Bolt."""
