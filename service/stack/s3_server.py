"""An S3 server on loopback: s3proxy, objects as files below one folder."""

from pathlib import Path

from service.stack.endpoints import S3Access
from service.stack.java import Java
from service.stack.ports import LOOPBACK
from service.stack.s3_probe import ask
from service.stack.server import Launch

__all__ = ["S3Server"]

# Objects larger than one part come in parts (8 MiB by default), each signed and held in memory once;
# a client that sends more in one piece is told to send parts.
_LARGEST_PIECE_BYTES = 64 << 20

CONFIGURATION = """\
# Written at every start; changes made here are lost.
s3proxy.endpoint={endpoint}
s3proxy.authorization=aws-v2-or-v4
s3proxy.identity={access_key}
s3proxy.credential={secret_key}
s3proxy.v4-max-non-chunked-request-size={largest_piece_bytes}
jclouds.provider=filesystem-nio2
jclouds.filesystem.basedir={store}
"""


class S3Server:
    """One s3proxy, its objects in ``folder``/store."""

    name = "s3"

    def __init__(
        self, *, folder: Path, java: Java, jar: Path, version: str, port: int, access: S3Access
    ) -> None:
        self.folder = folder
        self.java = java
        self.jar = jar
        self.version = version
        self.port = port
        self.access = access

    @staticmethod
    def endpoint_at(port: int) -> str:
        """The address of a server on this machine's ``port``."""
        return f"http://{LOOPBACK}:{port}"

    def prepare(self) -> Launch:
        store = self.folder / "store"
        store.mkdir(exist_ok=True)
        configuration = self.folder / "s3proxy.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            CONFIGURATION.format(
                endpoint=self.access.endpoint,
                access_key=self.access.access_key,
                secret_key=self.access.secret_key,
                largest_piece_bytes=_LARGEST_PIECE_BYTES,
                store=store,
            )
        )
        options = ("-Xmx256m", "-XX:+UseSerialGC", "-DLOG_LEVEL=warn")
        return Launch(
            (str(self.java.path), *options, "-jar", str(self.jar), "--properties", str(configuration))
        )

    def is_ready(self) -> bool:
        """A signed question, which a server of somebody else on the same port would refuse."""
        return ask(self.access, "GET", "/").status == 200
