"""Broker clusters that Debian has: NATS with JetStream and RabbitMQ, their MQTT sides on free loopback ports.

Not a test module and not on the import path: a conftest or bench loads it with `importlib.util`. Everything
they keep lies in the folder given; everything they start has ended when the `with` block has.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

STARTS_WITHIN_S = 180.0
RABBITMQ = next(iter(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin")), None)


def free_ports(count: int) -> list[int]:
    """Return ports that nobody has now."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def wait_for(port: int, process: subprocess.Popen[bytes], what: str) -> None:
    """Return when somebody listens."""
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return
        time.sleep(0.1)
    raise RuntimeError(f"{what} did not start")


def wait_for_welcome(port: int, process: subprocess.Popen[bytes], what: str) -> None:
    """Return when MQTT 3.1.1 is let in: a cluster listens before it has elected who leads."""
    hello = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04wait"
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5.0) as link:
            link.sendall(hello)
            if link.recv(4) == b"\x20\x02\x00\x00":
                return
        time.sleep(0.1)
    raise RuntimeError(f"{what} listens and lets nobody in")


class Cluster:
    """`size` nodes. `urls` are their MQTT addresses, one of each node."""

    name = ""

    def __init__(self, folder: Path, size: int = 1) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._size = folder, size
        self._processes: list[subprocess.Popen[bytes]] = []
        self.mqtt_ports = free_ports(size)
        self.urls = [f"mqtt://127.0.0.1:{port}" for port in self.mqtt_ports]

    @classmethod
    def missing(cls) -> str | None:
        """Say what is not installed, None when all is."""
        raise NotImplementedError

    def start(self) -> None:
        raise NotImplementedError

    def stop_node(self, number: int) -> None:
        """End one node as a power cut would."""
        self._processes[number].kill()
        self._processes[number].wait(timeout=20)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=10)
        self._processes.clear()


class Nats(Cluster):
    """nats-server with JetStream, which its MQTT side needs."""

    name = "NATS"

    @classmethod
    def missing(cls) -> str | None:
        return None if shutil.which("nats-server") else "nats-server is not installed"

    def start(self) -> None:
        clients, routes = free_ports(self._size), free_ports(self._size)
        peers = ", ".join(f'"nats-route://127.0.0.1:{port}"' for port in routes)
        for n in range(self._size):
            config = self._folder / f"nats{n}.conf"
            together = f"cluster {{ name: rg, listen: 127.0.0.1:{routes[n]}, routes: [{peers}] }}\n"
            config.write_text(
                f"server_name: rg{n}\nlisten: 127.0.0.1:{clients[n]}\n"
                f'jetstream {{ store_dir: "{self._folder}/js{n}" }}\n'
                f"mqtt {{ host: 127.0.0.1, port: {self.mqtt_ports[n]} }}\n"
                + (together if self._size > 1 else ""),
                encoding="utf-8",
            )
            log = (self._folder / f"nats{n}.log").open("wb")
            with log:
                self._processes.append(
                    subprocess.Popen(["nats-server", "-c", str(config)], stdout=log, stderr=log)
                )
        for port, process in zip(self.mqtt_ports, self._processes, strict=True):
            wait_for(port, process, "nats-server")
            wait_for_welcome(port, process, "nats-server")


class RabbitMq(Cluster):
    """RabbitMQ with rabbitmq_mqtt, by its own scripts: Debian's wrapper would run it as another user."""

    name = "RabbitMQ"

    @classmethod
    def missing(cls) -> str | None:
        return None if RABBITMQ and shutil.which("epmd") else "rabbitmq-server is not installed"

    def _environment(self, n: int, epmd: int, dist: int) -> dict[str, str]:
        base = self._folder / f"rabbit{n}"
        base.mkdir(exist_ok=True)
        return os.environ | {
            "HOME": str(self._folder), "ERL_EPMD_PORT": str(epmd), "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"rg{n}@localhost", "RABBITMQ_DIST_PORT": str(dist),
            "RABBITMQ_MNESIA_BASE": str(base), "RABBITMQ_LOG_BASE": str(base),
            "RABBITMQ_CONFIG_FILE": str(base / "rabbitmq.conf"), "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(base / "plugins"), "RABBITMQ_PID_FILE": str(base / "pid"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(base / "generated"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(base / "advanced.config"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
        }  # fmt: skip

    def start(self) -> None:
        assert RABBITMQ is not None
        epmd, *dists = free_ports(1 + self._size)
        amqps = free_ports(self._size)
        directory = subprocess.Popen(["epmd", "-port", str(epmd), "-address", "127.0.0.1"])
        self._processes.append(directory)
        cookie = self._folder / ".erlang.cookie"
        cookie.write_text("radio-gateway-tests", encoding="utf-8")
        cookie.chmod(0o400)
        peers = "".join(
            f"cluster_formation.classic_config.nodes.{n + 1} = rg{n}@localhost\n" for n in range(self._size)
        )
        for n in range(self._size):
            environment = self._environment(n, epmd, dists[n])
            base = self._folder / f"rabbit{n}"
            (base / "plugins").write_text("[rabbitmq_mqtt].\n", encoding="utf-8")
            (base / "rabbitmq.conf").write_text(
                f"listeners.tcp.1 = 127.0.0.1:{amqps[n]}\nmqtt.listeners.tcp.1 = 127.0.0.1:"
                f"{self.mqtt_ports[n]}\nmqtt.allow_anonymous = true\n"
                "cluster_formation.peer_discovery_backend = classic_config\n"
                f"{peers if self._size > 1 else ''}",
                encoding="utf-8",
            )
            with (base / "out").open("wb") as log:
                process = subprocess.Popen(
                    [str(RABBITMQ / "rabbitmq-server")], env=environment, stdout=log, stderr=log
                )
            self._processes.insert(n, process)
            # one after the other: the first must have made the cluster that the others join
            wait_for(self.mqtt_ports[n], process, "rabbitmq-server")


CLUSTERS: tuple[type[Cluster], ...] = (Nats, RabbitMq)
