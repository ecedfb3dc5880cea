"""The checks themselves, a theme a file. Whatever is defined here with ``check`` is found and run by itself."""
