"""Real mail programs, each told to read or send one message with a name and a password."""
