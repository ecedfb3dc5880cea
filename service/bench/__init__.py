"""Figures, each beside a floor taken in the same run; what is measured says each module."""
