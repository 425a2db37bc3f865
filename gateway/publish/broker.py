"""How to reach a broker: address, encryption, credentials."""

import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from gateway.config import MqttSettings
from gateway.errors import BadConfig, MissingInput

DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True)
class Address:
    """Host and port, and whether to speak TLS."""

    host: str
    port: int
    tls: bool

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read `mqtt://host[:port]` or `mqtts://host[:port]`.

        Raises:
            ValueError: in words that name the part that is wrong.
        """
        parts = urlsplit(url)
        if parts.scheme not in DEFAULT_PORTS:
            raise ValueError(f"{url!r} must start with mqtt:// or mqtts://")
        if parts.username is not None or parts.password is not None:
            raise ValueError("the url holds a user name or password; use username and password_file instead")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(f"{url!r} has something after the port; topics are not part of the address")
        if not parts.hostname:
            raise ValueError(f"{url!r} names no host; write mqtt://host:1883")
        try:
            port = parts.port
        except ValueError:
            port = 0
        if port == 0:
            raise ValueError(f"{url!r} has a port that is not a number from 1 to 65535")
        return cls(parts.hostname, port or DEFAULT_PORTS[parts.scheme], parts.scheme == "mqtts")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


class _ClosingSocket(ssl.SSLSocket):
    """Closes itself when the handshake fails; paho leaves that one to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


@dataclass(frozen=True, slots=True)
class Broker:
    """Everything needed to connect. Files are read at each connection, so that renewed ones take effect."""

    address: Address
    username: str | None = None
    password_file: Path | None = None
    password_credential: str | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    keepalive_s: int = 30
    connect_timeout_s: float = 5.0

    @classmethod
    def from_settings(cls, settings: MqttSettings) -> Self:
        """Take over the config file's [mqtt].

        Raises:
            BadConfig: the url or the combination of keys makes no sense.
        """
        try:
            address = Address.parse(settings.url)
        except ValueError as error:
            raise BadConfig([f"mqtt.url: {error}"]) from None
        if not address.tls and (settings.ca_file or settings.cert_file):
            raise BadConfig(["mqtt.url: ca_file and cert_file need mqtts://, with mqtt:// they do nothing"])
        return cls(
            address=address,
            username=settings.username,
            password_file=settings.password_file,
            password_credential=settings.password_credential,
            ca_file=settings.ca_file,
            cert_file=settings.cert_file,
            key_file=settings.key_file,
            keepalive_s=settings.keepalive_s,
            connect_timeout_s=settings.connect_timeout_s,
        )

    def password(self) -> str | None:
        """Read the password's first line from its file or systemd credential, None when none is configured.

        Raises:
            MissingInput: it cannot be read.
        """
        path = self.password_file
        if self.password_credential is not None:
            folder = os.environ.get("CREDENTIALS_DIRECTORY")
            if folder is None:
                raise MissingInput(
                    f"the password is to come from the systemd credential {self.password_credential!r}, but "
                    "the gateway was not started by a unit with LoadCredential=; use password_file by hand"
                )
            path = Path(folder) / self.password_credential
        if path is None:
            return None
        try:
            return path.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
        except OSError as error:
            raise MissingInput(f"{path}: the password cannot be read ({error.strerror})") from error

    def tls_context(self) -> ssl.SSLContext | None:
        """Return how to encrypt, always verifying the broker's name; None for plain TCP.

        Raises:
            MissingInput: a certificate or key file cannot be read or is none.
        """
        if not self.address.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            context.sslsocket_class = _ClosingSocket
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.cert_file is not None:
                context.load_cert_chain(self.cert_file, self.key_file)
        except OSError as error:
            named = ", ".join(str(f) for f in (self.ca_file, self.cert_file, self.key_file) if f is not None)
            raise MissingInput(f"{named}: cannot be used for TLS: {error}") from error
        return context
