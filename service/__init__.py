"""The part that people start: settings, command line, wiring, the decider's process, the local stack."""

__all__: list[str] = []
