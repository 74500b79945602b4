"""Discord as a way in: application commands, buttons and menus over the gateway; only `run` imports what is in here."""
