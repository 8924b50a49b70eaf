"""Servers that nobody here wrote, on 127.0.0.1, in a directory of their own, stopped by pid."""
