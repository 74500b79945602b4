"""The program is killed again and again while a story plays; then everything must have been told, once, in order."""
