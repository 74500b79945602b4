"""What a reader sees: each platform's message drawn in a real browser, to be looked at and tested."""
