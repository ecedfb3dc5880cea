"""astropy's settings as the readers' server remembers them: the same values, worked out once, and changed as ever."""

import subprocess
import sys

ALONE = """
from astropy.config import ConfigItem
from astropy.io import fits
from consumers.formats.astropy_settings import remember_settings

items = {name: each for name, each in vars(type(fits.conf)).items() if isinstance(each, ConfigItem)}
before = {name: getattr(fits.conf, name) for name in items}
remember_settings()
remember_settings()
assert {name: getattr(fits.conf, name) for name in items} == before and len(before) > 5, before

looked = []
whole = ConfigItem.__call__
ConfigItem.__call__ = lambda self: (looked.append(self.name), whole(self))[1]
header = fits.Header.fromstring("SIMPLE  = T".ljust(80) + "END".ljust(80))
for _ in range(3):
    assert [card.value for card in header.cards] == [True]
    assert {name: getattr(fits.conf, name) for name in items} == before
assert looked == [], looked

with fits.conf.set_temp("use_memmap", False):
    assert fits.conf.use_memmap is False
assert fits.conf.use_memmap is True
fits.conf.use_memmap = False
assert fits.conf.use_memmap is False
fits.conf.reload("use_memmap")
assert fits.conf.use_memmap is True
fits.conf.use_memmap = False
fits.conf.reset("use_memmap")
assert fits.conf.use_memmap is True
"""


def test_a_setting_is_worked_out_once_and_follows_every_way_of_changing_it():
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
