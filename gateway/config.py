"""The configuration file: TOML in, one frozen tree of typed settings out, every fault named by file and key.

Reading opens nothing but the file itself. Relative paths are taken from the folder of the file, so that the
daemon behaves the same whatever directory it is started in.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from gateway.configfaults import describe
from gateway.errors import BadConfig, MissingInput
from gateway.phrases import DrillPhrases
from gateway.rollcallsettings import RollcallSettings
from gateway.speaksettings import SpeakSettings, TransmitSettings
from gateway.squelchkind import SquelchKind

TopicLevel = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$", min_length=1, max_length=40)]
"""One level of an MQTT topic as the contract allows it."""

CommandName = Literal[
    "ping", "unit-set", "incident-ack", "incident-close", "resync",
    "say", "rollcall-start", "rollcall-cancel", "rollcall-pause", "rollcall-resume", "rollcall-list",
    "drill-start", "drill-cancel",
]  # fmt: skip
"""Every `cmd/<name>` there is."""

DEFAULT_COMMAND_POST = "指挥中心"


class Settings(BaseModel):
    """Frozen; a key nobody knows is an error, because a typo that is ignored is a fault nobody finds."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class GatewaySettings(Settings):
    """Who this gateway is."""

    org: TopicLevel
    district: TopicLevel
    id: TopicLevel
    command_post: Annotated[str, StringConstraints(min_length=2, max_length=20)]
    data_dir: Path

    @property
    def source(self) -> str:
        """The CloudEvents `source` of everything this gateway publishes."""
        return f"urn:radio-gateway:{self.org}:{self.district}:{self.id}"

    @property
    def topic_root(self) -> str:
        """The MQTT topic under which everything of this gateway lives."""
        return f"rg/v1/{self.org}/{self.district}/{self.id}"


class UnitsSettings(Settings):
    """Where the unit registry comes from."""

    csv: Path


class MqttSettings(Settings):
    """How to reach the broker. Secrets are named by file, never written here."""

    url: str
    username: str | None = None
    password_file: Path | None = None
    password_credential: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$")] | None = None
    """Name of a systemd credential (LoadCredential=) that holds the password."""
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    keepalive_s: Annotated[int, Field(ge=5, le=3600)] = 30
    connect_timeout_s: Annotated[float, Field(ge=0.2, le=60)] = 5.0
    """How long the broker may take to answer before the older protocol, or a new connection, is tried."""
    window: Annotated[int, Field(ge=1, le=100)] = 16
    """Events sent and not yet acknowledged at any moment."""
    backlog_per_s: Annotated[float, Field(ge=1, le=100_000)] = 4000
    """What has waited goes out no faster, so that many gateways do not flood their broker at once."""

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        # Looked for first: a fault that repeats the url must not repeat a password.
        if "@" in self.url:
            raise ValueError("url holds a user name or password; use username and password_file instead")
        if not self.url.startswith(("mqtt://", "mqtts://")):
            raise ValueError(f"url is {self.url!r}, must start with mqtt:// or mqtts://")
        if self.password_file is not None and self.password_credential is not None:
            raise ValueError("password_file and password_credential are two passwords; keep one")
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file only make sense together")
        return self


class RecogniseSettings(Settings):
    """How speech becomes text."""

    engine: Literal["auto", "whisper", "vosk"] = "auto"
    language: Literal["zh"] = "zh"
    models_dir: Path | None = None
    """Where models are installed; None searches the places `radio-gateway models list` prints."""
    threads: Annotated[int, Field(ge=0, le=64)] = 0
    """CPU threads for one decode; 0 takes all cores."""
    decode_within_s: Annotated[float, Field(ge=1, le=3600)] = 180.0
    """A decode that takes longer hangs: it is left behind, and its call set aside the second time."""


class UnderstandSettings(Settings):
    """What the station adds to the shipped lexicon, and how sure it wants to be."""

    lexicon: Path | None = None
    wrong_unit_cost: Annotated[float, Field(ge=1.5, le=10_000)] = 2.5
    """How many callers left unknown are as bad as one taken for another unit: more, and fewer are named."""


class StoreSettings(Settings):
    """How long things are kept."""

    keep_events_days: Annotated[int, Field(ge=1, le=3650)] = 90
    """Delivered events stay this long, so that a dispatcher can ask for them again."""
    keep_audio_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """Audio of transmissions that belong to no incident."""
    keep_incident_audio_days: Annotated[int, Field(ge=1, le=36500)] = 365
    """Audio of incidents; one on hold (`radio-gateway hold`) keeps its audio until it is released."""
    max_audio_bytes: Annotated[int, Field(ge=1_000_000)] = 16 * 1024**3
    """Beyond this the oldest audio goes, that of incidents last."""
    min_free_bytes: Annotated[int, Field(ge=0)] = 256 * 1024**2
    """With less space left on the disk audio goes, then undelivered telemetry; never an incident on hold."""
    max_waiting_events: Annotated[int, Field(ge=100)] = 500_000
    """Undelivered events kept; beyond this the least dear and oldest go, and an event says which."""


class CommandSettings(Settings):
    """What dispatchers may ask of this gateway over MQTT."""

    allow: tuple[CommandName, ...] = get_args(CommandName)
    per_minute: Annotated[int, Field(ge=1, le=6000)] = 120
    """Requests looked into in a minute; what comes beyond is refused."""


class DrillScenarioSettings(Settings):
    """A scenario of the station's own; `text` is said on the air after 模拟 and the place."""

    code: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+$", max_length=40)]
    label: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    text: Annotated[str, StringConstraints(min_length=1, max_length=120)]


class DrillSettings(Settings):
    """Drills (拉动): the 1-3-5 minutes in seconds, and how patiently they are held."""

    self_rescue_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    mutual_aid_s: Annotated[float, Field(gt=0, le=3600)] = 180.0
    reinforcement_s: Annotated[float, Field(gt=0, le=3600)] = 300.0
    orders_per_unit: Annotated[int, Field(ge=1, le=5)] = 2
    names_per_order: Annotated[int, Field(ge=1, le=20)] = 5
    """Units named in one key-up."""
    gather_s: Annotated[float, Field(gt=0, le=120)] = 12.0
    """After an order the units it names have this long to acknowledge before the next one is given."""
    grace_s: Annotated[float, Field(ge=0, le=600)] = 15.0
    ask_report: bool = True
    """Whether a unit that arrives without telling its head count is asked for it."""
    phrases: DrillPhrases = DrillPhrases()
    scenario: tuple[DrillScenarioSettings, ...] = ()

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not self.self_rescue_s <= self.mutual_aid_s <= self.reinforcement_s:
            raise ValueError("self_rescue_s, mutual_aid_s and reinforcement_s must not fall")
        codes = [one.code for one in self.scenario]
        for twice in sorted({code for code in codes if codes.count(code) > 1}):
            raise ValueError(f"two scenarios have the code {twice!r}; each needs one of its own")
        return self


class HomeAssistantSettings(Settings):
    """Whether Home Assistant finds this gateway by itself."""

    discovery: bool = False
    prefix: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_/-]+$", min_length=1)] = "homeassistant"


class MetricsSettings(Settings):
    """Where Prometheus finds the health figures; left out, nowhere."""

    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Served as http://127.0.0.1:PORT/metrics, to this machine only."""
    file: Path | None = None
    """Written every few seconds, for the node exporter's textfile collector; the name ends with .prom."""


class LogSettings(Settings):
    """What is logged on stderr. Words heard on the air appear at debug level only."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    json_lines: Annotated[bool, Field(alias="json")] = False


class SquelchSettings(Settings):
    """When a transmission starts and ends."""

    kind: str = "vox"
    """`vox`, `carrier` and `rssi`, combined with `&`, `|`, `!` and parentheses."""
    open_db: Annotated[float, Field(ge=1.0, le=30.0)] | None = None
    """Level over the noise floor that opens; None, here and below, takes the segmenter's default."""
    rssi_dbm: Annotated[float, Field(ge=-150.0, le=0.0)] | None = None
    rssi_hold_db: Annotated[float, Field(ge=0.0, le=30.0)] | None = None
    start_delay_s: Annotated[float, Field(ge=0.0, le=30.0)] | None = None
    open_delay_s: Annotated[float, Field(ge=0.0, le=5.0)] | None = None
    close_delay_s: Annotated[float, Field(ge=0.0, le=5.0)] | None = None
    deaf_s: Annotated[float, Field(ge=0.0, le=5.0)] | None = None
    """Nothing is heard for so long after the gateway's own key-up."""
    tail_cut_s: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    timeout_s: Annotated[float, Field(ge=10.0, le=3600.0)] | None = None
    """After so long without a close the squelch is stuck."""
    flap_count: Annotated[int, Field(ge=3, le=100)] | None = None
    hang_s: Annotated[float, Field(ge=0.1, le=5.0)] | None = None
    pre_roll_s: Annotated[float, Field(ge=0.0, le=2.0)] | None = None
    min_length_s: Annotated[float, Field(ge=0.05, le=5.0)] | None = None
    max_length_s: Annotated[float, Field(ge=5.0, le=600.0)] | None = None

    @field_validator("kind")
    @classmethod
    def _parses(cls, kind: str) -> str:
        return SquelchKind.parse(kind).text


class AlarmSettings(Settings):
    """From where on a radio's line is reported as bad; 0 leaves an alarm out."""

    hum_dbfs: Annotated[float, Field(ge=-90.0, le=0.0)] = -45.0
    """Level of the mains' hum between transmissions."""
    clipped_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.01
    """Share of a transmission's samples that are cut off."""
    low_dbfs: Annotated[float, Field(ge=-90.0, le=0.0)] = -42.0
    """Level of a transmission's loud parts."""
    silence_h: Annotated[float, Field(ge=0.0, le=168.0)] = 6.0
    """Hours without a transmission at a time of day when there usually are `busy_calls` or more."""
    busy_calls: Annotated[int, Field(ge=1, le=1000)] = 3


class DeviceSettings(BaseModel):
    """A driver by its kind; the other keys are the driver's own and checked by it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: Annotated[str, StringConstraints(min_length=1)]

    @property
    def options(self) -> dict[str, Any]:
        """The driver's own keys."""
        return dict(self.__pydantic_extra__ or {})


class RadioSettings(Settings):
    """One radio: what it is heard through, spoken through and controlled by."""

    id: TopicLevel
    source: DeviceSettings
    sink: DeviceSettings = DeviceSettings(kind="none")
    control: DeviceSettings = DeviceSettings(kind="none")
    squelch: SquelchSettings = SquelchSettings()
    transmit: TransmitSettings = TransmitSettings()
    alarms: AlarmSettings = AlarmSettings()
    streets: tuple[str, ...] = ()
    """Sub-districts whose units use this radio: a hint when two names sound alike."""

    @model_validator(mode="after")
    def _carrier_has_a_line(self) -> Self:
        senses = SquelchKind.parse(self.squelch.kind).senses
        if senses != {"vox"} and self.control.kind == "none":
            raise ValueError(f"squelch {self.squelch.kind!r} needs a control that sees the carrier, not none")
        return self


class Config(Settings):
    """The whole file."""

    gateway: GatewaySettings
    units: UnitsSettings
    mqtt: MqttSettings
    recognise: RecogniseSettings = RecogniseSettings()
    understand: UnderstandSettings = UnderstandSettings()
    store: StoreSettings = StoreSettings()
    commands: CommandSettings = CommandSettings()
    rollcall: RollcallSettings = RollcallSettings()
    drill: DrillSettings = DrillSettings()
    speak: SpeakSettings = SpeakSettings()
    metrics: MetricsSettings = MetricsSettings()
    homeassistant: HomeAssistantSettings = HomeAssistantSettings()
    log: LogSettings = LogSettings()
    radio: tuple[RadioSettings, ...]
    _folder: Path = PrivateAttr(default=Path())

    @property
    def folder(self) -> Path:
        """Where the file lies: relative paths in a driver's own keys are taken from here."""
        return self._folder

    @model_validator(mode="after")
    def _distinct_radios(self) -> Self:
        if not self.radio:
            raise ValueError("there is no [[radio]]; a gateway needs at least one")
        ids = [radio.id for radio in self.radio]
        for twice in sorted({radio_id for radio_id in ids if ids.count(radio_id) > 1}):
            raise ValueError(f"two radios are called {twice!r}; each needs an id of its own")
        for schedule in self.rollcall.schedule:
            if schedule.radio is not None and schedule.radio not in ids:
                raise ValueError(
                    f"rollcall.schedule {schedule.name!r} names no radio here: {schedule.radio!r}"
                )
        return self


def load_config(path: Path) -> Config:
    """Read and check the configuration.

    Raises:
        MissingInput: there is no such file.
        BadConfig: with one `file:key: message` line for every fault.
    """
    try:
        text = path.read_bytes().decode("utf-8")
        tree = tomllib.loads(text)
    except FileNotFoundError:
        raise MissingInput(f"{path}: no such file; name the configuration with -c FILE") from None
    except OSError as error:
        raise MissingInput(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadConfig([f"{path}:byte {error.start}: not UTF-8; save the file as UTF-8"]) from None
    except tomllib.TOMLDecodeError as error:
        raise BadConfig([f"{path}:toml: {error}"]) from None
    except RecursionError:
        raise BadConfig([f"{path}:toml: is nested too deep; no key needs more than three levels"]) from None
    try:
        config = Config.model_validate(tree)
    except ValidationError as error:
        raise BadConfig([f"{path}:{describe(fault, tree, Config)}" for fault in error.errors()]) from None
    return _rebase(config, path.resolve().parent)


def _rebase(config: Config, folder: Path) -> Config:
    """Make every path absolute, seen from the configuration's folder."""

    def move(path: Path | None) -> Path | None:
        return None if path is None else folder / path

    mqtt = config.mqtt
    files = {
        name: move(getattr(mqtt, name)) for name in ("password_file", "ca_file", "cert_file", "key_file")
    }
    moved = config.model_copy(
        update={
            "gateway": config.gateway.model_copy(update={"data_dir": move(config.gateway.data_dir)}),
            "units": config.units.model_copy(update={"csv": move(config.units.csv)}),
            "mqtt": mqtt.model_copy(update=files),
            "recognise": config.recognise.model_copy(
                update={"models_dir": move(config.recognise.models_dir)}
            ),
            "speak": config.speak.model_copy(update={"prompts": move(config.speak.prompts)}),
            "metrics": config.metrics.model_copy(update={"file": move(config.metrics.file)}),
            "understand": config.understand.model_copy(update={"lexicon": move(config.understand.lexicon)}),
        }
    )
    moved._folder = folder  # noqa: SLF001 - its own module, before anyone else sees it
    return moved
