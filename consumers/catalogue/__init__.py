"""Metadata catalogues: where they are read, what their records say, and what has changed since the last look."""
