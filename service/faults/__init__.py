"""Faults put into a running site on purpose, and what tells that it healed."""
