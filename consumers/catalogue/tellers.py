"""Who has told of a dataset: only that source can say that it is gone, or one that takes its place."""

from collections.abc import Collection

__all__ = ["other_teller"]

_GROUP = "group "


def other_teller(source: str | None, own: Collection[str]) -> str | None:
    """The source, where it is none of ``own``; a name among those that ends in / stands for all that begin so.

    Groups of frames tell of one dataset each: those of a stream are one source, ``group <stream>/``. Where nobody
    remembers who told of a dataset, it is anybody's.
    """
    if source is None or source in own:
        return None
    if any(each.endswith("/") and source.startswith(each) for each in own):
        return None
    return f"{source.partition('/')[0]}/" if source.startswith(_GROUP) else source
