"""Deciding: one owner per partition, fenced by the log; see the laws in the README."""
