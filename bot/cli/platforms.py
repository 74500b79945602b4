"""slack manifest: what the chat platforms must be told once."""

from __future__ import annotations

import typer

from bot.cli.common import print_json, settings_of

commands = typer.Typer()
slack_app = typer.Typer(help="The Slack app.")
commands.add_typer(slack_app, name="slack", epilog="Example: statusbot slack manifest")


@slack_app.callback()
def slack() -> None:
    """The Slack app."""


@slack_app.command(
    short_help="Print the app's manifest.", epilog="Example: statusbot slack manifest > statusbot-manifest.json"
)
def manifest(context: typer.Context) -> None:
    """Print the app's manifest, to be pasted at https://api.slack.com/apps ("Create New App", "From a manifest").

    By Socket Mode, unless STATUSBOT_PUBLIC_URL is set and SLACK_APP_TOKEN is not: then by HTTP at that address.
    """
    from bot.frontends.slack.manifest import manifest as manifest_of

    settings = settings_of(context)
    print_json(manifest_of(settings.env, settings.may_subscribe))
