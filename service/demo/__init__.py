"""A night of real files on three streams, with what goes wrong in one, and an exposure of another telescope.

``streams`` says what the three streams want · ``roman``, ``dkist``, ``keck`` write files with the field's own
packages · ``mishaps`` ruins some, each with its expected outcome · ``night`` puts all of it into a landing
folder · ``exposure`` announces 410 files at once.
"""
