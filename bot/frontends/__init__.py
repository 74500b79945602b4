"""Ways in for people: each chat platform's own commands, translated to `bot.answer` and back."""
