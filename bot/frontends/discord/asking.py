"""Who asks and where, as Discord says it, and what the bot itself may do there."""

from __future__ import annotations

import discord

from bot.answer.reply import Asker
from bot.model import Destination

MAY = "It takes the permission Manage Channels to change what this channel is told. Ask somebody who has it."
NO_CHANNEL = "Updates go to a server's channel: ask there, not in a direct message."
WRONG_KIND = "Updates go to a text channel: ask in one."
NO_MEMBER = "I am no member of this server, so I cannot post here. Invite me with the scope `bot` as well."
#: What the bot needs in a channel
NEEDED = discord.Permissions(
    view_channel=True,
    send_messages=True,
    embed_links=True,
    read_message_history=True,
    create_public_threads=True,
    send_messages_in_threads=True,
)
#: What the README's invitation asks for ("Discord"): a digest's picture as well, without which it is told all the same
INVITED = NEEDED | discord.Permissions(attach_files=True)
#: where updates can go; the last of them is a thread's own, where its channel is not known
TEXT = (discord.ChannelType.text, discord.ChannelType.news, discord.ChannelType.public_thread)


def asker(interaction: discord.Interaction[discord.Client]) -> Asker:
    """Who asks. In a thread the channel that it belongs to is meant, since an incident's updates stand in threads."""
    thread = interaction.channel if isinstance(interaction.channel, discord.Thread) else None
    number = thread.parent_id if thread else interaction.channel_id or 0
    why_not = _why_not(interaction, (thread.parent or thread) if thread else interaction.channel)
    to, user = Destination("discord", str(number)), str(interaction.user.id)
    return Asker(to, user, not why_not, why_not, before="/", asked_each=True)


def _why_not(interaction: discord.Interaction[discord.Client], place: object) -> str:
    if interaction.guild_id is None:
        return NO_CHANNEL
    if getattr(place, "type", None) not in TEXT:
        return WRONG_KIND
    return "" if interaction.permissions.manage_channels else MAY


def lacking(interaction: discord.Interaction[discord.Client], role: discord.Role | None = None) -> str:
    """What the bot still needs to tell this channel, in a sentence; else empty."""
    if interaction.client.get_guild(interaction.guild_id or 0) is None:
        return NO_MEMBER
    mine = interaction.app_permissions
    missing = [name for name, wanted in NEEDED if wanted and not getattr(mine, name)]
    if missing:
        named = ", ".join(_NAMES.get(name, name) for name in missing)
        return f"I cannot post here yet. Give me in this channel: {named}. Then ask again."
    if role is not None and not role.mentionable and not mine.mention_everyone:
        return (
            f"I may not mention {role.name}. Let anyone mention that role, or give me Mention Everyone. Then ask again."
        )
    return ""


#: as Discord's settings name them
_NAMES = {
    "view_channel": "View Channel",
    "read_messages": "View Channel",
    "send_messages": "Send Messages",
    "embed_links": "Embed Links",
    "read_message_history": "Read Message History",
    "create_public_threads": "Create Public Threads",
    "send_messages_in_threads": "Send Messages in Threads",
}
