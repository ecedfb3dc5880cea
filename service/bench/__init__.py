"""Figures, each beside a floor taken in the same run; what they mean is in the README."""
