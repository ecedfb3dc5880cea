"""astropy's settings, each worked out once: it looks into its configuration anew for every card of every header."""

from typing import Any

from astropy.config import ConfigItem

__all__ = ["remember_settings"]


class _Remembered(ConfigItem):  # type: ignore[misc]  # astropy tells no types
    """A setting that keeps its value until it is set, temporarily or for good."""

    def __call__(self) -> Any:
        if "_value" not in self.__dict__:
            value = super().__call__()  # may set it to its default
            self.__dict__["_value"] = value
        return self.__dict__["_value"]

    def set(self, value: Any) -> None:
        self.__dict__.pop("_value", None)
        super().set(value)

    def reload(self) -> Any:
        try:
            return super().reload()
        finally:
            self.__dict__.pop("_value", None)


def remember_settings() -> None:
    """For FITS, in this process. For one that nobody edits a configuration file of while it runs."""
    from astropy.io.fits import conf

    for item in vars(type(conf)).values():
        if type(item) is ConfigItem:
            item.__class__ = _Remembered
