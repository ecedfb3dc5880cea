"""The three streams of the demo, as an operator would configure them."""

from pathlib import Path

from events.stream import Destination, PatternRule, RetryPolicy, StreamConfiguration

__all__ = ["DKIST", "KECK", "ROMAN", "RUBIN", "SENDERS", "demo_streams", "exposure_stream"]

ROMAN, DKIST, KECK, RUBIN = "roman-wfi", "dkist-l1", "keck-kcwi", "rubin-lsstcam"
SENDERS = {ROMAN: "roman-soc", DKIST: "dkist-dc", KECK: "keck-summit", RUBIN: "rubin-summit"}
"""Who announces the files of which stream."""

# Quick enough that a demo or test sees the second try.
QUICK = RetryPolicy(tries=4, first_s=2.0, factor=2.0, max_s=60.0)


def demo_streams(landing: Path) -> tuple[StreamConfiguration, ...]:
    """The configurations, for files that land in ``<landing>/<stream>``."""
    return (_roman(landing), _dkist(landing), _keck(landing))


def _root(landing: Path, stream: str) -> str:
    return f"{(landing / stream).resolve().as_uri()}/"


def _roman(landing: Path) -> StreamConfiguration:
    return StreamConfiguration(
        stream=ROMAN,
        title="Roman WFI, calibrated exposures (level 2)",
        owner="roman-operations",
        senders=(SENDERS[ROMAN],),
        roots=(_root(landing, ROMAN),),
        format="roman-wfi-l2-asdf",
        # Program, execution plan, pass, segment, observation, visit; exposure; detector; optical element.
        name_pattern=r"r(?P<program>\d{5})(?P<plan>\d{2})(?P<pass>\d{3})(?P<segment>\d{3})(?P<observation>\d{3})"
        r"(?P<visit>\d{3})_(?P<exposure>\d{4})_(?P<detector>wfi(0[1-9]|1[0-8]))_(?P<filter>[a-z]\d{3})_cal\.asdf",
        destination=Destination(prefix="l2/"),
        register_table="operations.l2_file",
        changed_content="new_version",  # the operations centre reprocesses
        retry=QUICK,
        observing_day="utc",
    )


def _dkist(landing: Path) -> StreamConfiguration:
    return StreamConfiguration(
        stream=DKIST,
        title="DKIST, calibrated frames (level 1)",
        owner="dkist-data-center",
        senders=(SENDERS[DKIST],),
        roots=(_root(landing, DKIST),),
        format="dkist-l1-fits",
        name_pattern=r"(?P<instrument>VISP|VBI|CRYO-NIRSP|DL-NIRSP|VTF)_(?P<start>\d{4}_\d\d_\d\dT\d\d_\d\d_\d\d_\d{3})"
        r"_(?P<wavelength_pm>\d{8})_(?P<stokes>[IQUV])_(?P<dataset>[A-Z]{5,10})_L1\.fits",
        destination=Destination(prefix="l1/"),
        register_table="operations.l1_file",
        changed_content="conflict",  # a recalibration is a new dataset with names of its own
        retry=QUICK,
        observing_day="hawaii",
    )


def _keck(landing: Path) -> StreamConfiguration:
    return StreamConfiguration(
        stream=KECK,
        title="Keck KCWI, raw exposures of both cameras",
        owner="keck-archive",
        senders=(SENDERS[KECK],),
        roots=(_root(landing, KECK),),
        format="keck-raw-fits",
        name_pattern=r"k(?P<camera>[br])(?P<date>\d{6})_(?P<frame>\d{5})\.fits",
        identity="koaid",
        # Frames 90000 and up are what day crews take to try the instrument.
        purposes=(PatternRule(pattern=r"k[br]\d{6}_9\d{4}\.fits", value="engineering"),),
        destination=Destination(prefix="raw/"),
        register_table="operations.raw_file",
        changed_content="new_version",
        retry=QUICK,
        observing_day="utc",
    )


def exposure_stream(bucket: str) -> StreamConfiguration:
    """Rubin's camera, as its files come: announced by the object store, one FITS and one JSON a sensor."""
    return StreamConfiguration(
        stream=RUBIN,
        title="Rubin LSSTCam, raw sensors with their headers",
        owner="rubin-data-management",
        senders=(SENDERS[RUBIN],),
        roots=(f"s3://{bucket}/LSSTCam/",),
        format="any",  # the demo's sensors are small stand-ins
        formats=(PatternRule(pattern=r".*\.json", value="json"),),
        name_pattern=r"(?P<exposure>[A-Z]{2}_[A-Z]_\d{8}_\d{6})_(?P<raft>R\d\d)_(?P<sensor>S(\d\d|[GW]\d))\.(fits|json)",
        strip_suffix=False,  # a sensor's FITS and JSON are two files
        roles=(PatternRule(pattern=r".*\.json", value="sidecar"),),
        destination=Destination(prefix="raw/"),
        register_table="operations.raw_file",
        observing_day="utc-12h",
    )
