"""What a host can set: `config.toml`, each entry overridable by `EASEL_<SECTION>__<NAME>`.

`config.example.toml` is rendered from this module (`make config-example`); a test keeps both
in step, so the description of a field is also its comment there.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from activitypub.origin import authority

CONFIG_FILE_VARIABLE = "EASEL_CONFIG"
DEFAULT_CONFIG_FILE = Path("config.toml")


class SettingsError(Exception):
    """The settings cannot be used; the message is one plain sentence per mistake."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InstanceSettings(Section):
    """Who this instance is."""

    url: str = Field(
        "http://localhost:8000",
        description="The public address of this instance. Never change it after the first follow.",
    )
    name: str = Field("Easel", description="The name of this instance, as people see it.")
    description: str = Field(
        "A place for pictures made with words.",
        description="One or two sentences about this instance.",
    )
    contact: str = Field("", description="An email address for questions; empty shows none.")

    @field_validator("url")
    @classmethod
    def _origin_only(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be an address such as https://easel.example")
        if parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username:
            raise ValueError("must be a bare address without a path, such as https://easel.example")
        return f"{parts.scheme}://{parts.netloc.lower()}"

    @property
    def domain(self) -> str:
        """The host (and port, if not the scheme's own) that handles end with."""
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        default = {"http": 80, "https": 443}[parts.scheme]
        if parts.port is None or parts.port == default:
            return parts.hostname
        return f"{parts.hostname}:{parts.port}"

    @property
    def secure(self) -> bool:
        return self.url.startswith("https://")


class ServerSettings(Section):
    """Where the server listens."""

    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="The port to listen on.")
    trusted_proxies: str = Field(
        "127.0.0.1",
        description="Addresses whose X-Forwarded-For is believed, separated by commas.",
    )


class DatabaseSettings(Section):
    """Where everything is stored."""

    url: str = Field(
        "sqlite:///data/easel.db",
        description="sqlite:///FILE, or postgresql://USER:PASSWORD@HOST/NAME for large instances.",
    )
    synchronous: Literal["normal", "full"] = Field(
        "normal",
        description='SQLite only: "full" also survives a power cut without losing the last second.',
    )
    pool_size: int = Field(
        8, ge=1, le=100, description="How many connections are kept open for reading."
    )


class MediaSettings(Section):
    """Where pictures are stored, and what may be uploaded."""

    folder: Path = Field(Path("data/media"), description="The folder for pictures.")
    max_upload_mb: int = Field(16, ge=1, le=100, description="The largest upload, in megabytes.")
    max_megapixels: int = Field(
        33, ge=1, le=200, description="The largest picture that is decoded, in megapixels."
    )
    remote: Literal["view", "arrival"] = Field(
        "view",
        description="When pictures of other servers are fetched: when somebody here sees them "
        '("view"), or as soon as they arrive ("arrival").',
    )
    remote_cache_mb: int = Field(
        5000,
        ge=10,
        le=10_000_000,
        description="How many megabytes of pictures of other servers are kept. What was not seen "
        "for the longest time goes first, and is fetched again when somebody wants to see it.",
    )


class FederationSettings(Section):
    """How this instance talks to others."""

    enabled: bool = Field(True, description="Whether to talk to other servers at all.")
    mode: Literal["open", "limited"] = Field(
        "open",
        description='"limited" talks only to those that `easel domain allow` names.',
    )
    reject: list[str] = Field(
        [],
        description="Domains that nothing is taken from, nor sent to. In this list and the next "
        "three what lies below a domain is meant, too; what `easel domain` makes of such a domain "
        "holds until the next start.",
    )
    silence: list[str] = Field(
        [], description="Domains whose people are only shown to those who follow them."
    )
    reject_media: list[str] = Field([], description="Domains whose pictures are not shown.")
    reject_reports: list[str] = Field([], description="Domains whose reports are not heard.")
    authorized_fetch: bool = Field(
        False,
        description="Whether other servers must sign when they read posts and people.",
    )
    allow_private_addresses: bool = Field(
        False,
        description="Whether servers on private addresses may be reached. Only for trying things.",
    )
    timeout_s: float = Field(
        10.0, gt=0, le=120, description="How many seconds another server has to answer."
    )
    max_inbox_kb: int = Field(
        1024, ge=16, le=16384, description="The largest activity accepted, in kilobytes."
    )
    relayed_days: int = Field(
        90,
        ge=0,
        le=36500,
        description="After how many days a post goes that only a relay told of, if nobody here has "
        "to do with it; it is fetched again when somebody asks for it. 0 keeps them all.",
    )
    new_hosts_per_minute: int = Field(
        100,
        ge=1,
        le=100_000,
        description="How many servers that were never heard of may come in a minute. Five times "
        "as many may come at once, and a tenth of them from below one domain.",
    )
    deliveries_at_once: int = Field(
        64, ge=1, le=1000, description="How many deliveries are under way at once."
    )

    @field_validator("reject", "silence", "reject_media", "reject_reports")
    @classmethod
    def _domains_only(cls, value: list[str]) -> list[str]:
        names = [authority(entry.strip()) for entry in value]
        for entry, name in zip(value, names, strict=True):
            if name is None:
                raise ValueError(f"{entry} is no domain, such as spam.example")
        return [name for name in names if name is not None]


class PaintingSettings(Section):
    """How pictures are made."""

    model: str = Field(
        "",
        description="The model: a name from the catalogue, a hub id, or a folder. Empty: starter.",
    )
    local: bool = Field(
        True, description="Whether this machine paints; false waits for remote painters."
    )
    device: Literal["auto", "cuda", "mps", "cpu"] = Field(
        "auto", description="Where to paint: auto, cuda, mps or cpu."
    )
    endpoint: str = Field(
        "",
        description="An OpenAI-compatible images endpoint that paints instead of this machine, "
        "such as http://127.0.0.1:8000/v1 of a vLLM-Omni. Empty: none.",
    )
    endpoint_token: str = Field("", description="The token that the endpoint wants; empty: none.")
    endpoint_at_once: int = Field(
        4, ge=1, le=64, description="How many pictures the endpoint is asked for at once."
    )
    idle_exit_s: int = Field(
        600,
        ge=5,
        le=86400,
        description="How many idle seconds until the painter ends and frees the card.",
    )
    batch: int = Field(
        0,
        ge=0,
        le=16,
        description="How many pictures are painted at once at most; 0 decides by card and size.",
    )
    compile: bool = Field(
        True, description="Whether models are compiled on a card: slower to start, faster to paint."
    )
    fp8: bool = Field(
        False,
        description="Whether newer cards multiply in 8 bits, which needs torchao: faster, coarser.",
    )
    patience_s: float = Field(
        120.0,
        gt=0,
        le=86400,
        description="How many seconds a step of a usual model may take until its painter is ended.",
    )
    lease_s: int = Field(
        60,
        ge=2,
        le=3600,
        description="How many seconds without a sign of life until a picture is given to another.",
    )
    command: str = Field(
        "/imagine",
        max_length=30,
        description="What a post begins with that is painted from its own words; empty: nothing.",
    )
    max_steps: int = Field(60, ge=1, le=500, description="The most steps a request may ask for.")
    max_megapixels: float = Field(
        2.25, gt=0, le=64, description="The largest picture a request may ask for, in megapixels."
    )
    upscaler: str = Field(
        "auto",
        description="What makes pictures larger: a name from the catalogue, a hub id, or a folder. "
        '"auto" takes one that was pulled, else the small one that comes with Easel; "none" takes '
        "none.",
    )
    max_upscaled_megapixels: float = Field(
        16.8,
        gt=0,
        le=16.8,
        description="The largest picture after it was made larger, in megapixels.",
    )
    max_waiting: int = Field(
        20, ge=1, le=10000, description="How many pictures one account may have waiting."
    )
    max_per_hour: int = Field(
        120,
        ge=1,
        le=100000,
        description="How many pictures one account may ask for within an hour.",
    )
    staff_weight: float = Field(
        2.0,
        ge=1,
        le=10,
        description="How many times an ordinary account's share moderators and admins get.",
    )
    blocked_words: list[str] = Field(
        [], description="Words and phrases; requests with one of them are refused."
    )
    sensitive_words: list[str] = Field(
        [],
        description="Words and phrases; pictures asked for with one of them are marked sensitive.",
    )

    @field_validator("command")
    @classmethod
    def _one_word(cls, value: str) -> str:
        if value != "".join(value.split()):
            raise ValueError("must be one word, such as /imagine")
        return value

    @field_validator("endpoint")
    @classmethod
    def _address_or_none(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("must be an address such as http://127.0.0.1:8000/v1")
        if "@" in parts.netloc:
            raise ValueError("must not hold the token: that is painting.endpoint_token")
        return value


class SafetySettings(Section):
    """What happens to finished pictures that not everybody should see. `easel models list` shows
    the classifiers; without one only the words above decide."""

    classifier: str = Field(
        "auto",
        description="The model that looks at each picture: a name from the catalogue, a hub id, or "
        'a folder. "auto" takes one that was pulled, "none" takes none.',
    )
    sensitive_at: float = Field(
        0.5,
        ge=0,
        le=1,
        description="From which score on, 0 to 1, a picture is marked sensitive; 0: never.",
    )
    review_at: float = Field(
        0.0,
        ge=0,
        le=1,
        description="From which score on it waits for a moderator (`easel review`); 0: never.",
    )
    refuse_at: float = Field(
        0.0, ge=0, le=1, description="From which score on it is not kept at all; 0: never."
    )
    review_unjudged: bool = Field(
        False,
        description="Whether pictures that no classifier looked at wait for a moderator; "
        "they do with one of the two above.",
    )


class WordsSettings(Section):
    """Help with words: descriptions of pictures, better prompts, titles and hashtags."""

    describer: str = Field(
        "auto",
        description="The model that describes pictures for those who cannot see them, where the "
        'author did not: a name from the catalogue, a hub id, or a folder. "auto" takes one that '
        'was pulled, "none" takes none.',
    )
    language_model: str = Field(
        "auto",
        description="The model that proposes prompts, titles and hashtags; chosen in the same way.",
    )
    max_per_hour: int = Field(
        60,
        ge=0,
        le=100000,
        description="How many proposals one account may ask for within an hour.",
    )


class LogSettings(Section):
    """What is written down."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="How much is written: debug, info, warning or error."
    )
    format: Literal["auto", "text", "json"] = Field(
        "auto", description="text for people, json for machines, auto picks by the terminal."
    )


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="EASEL_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    instance: InstanceSettings = InstanceSettings.model_validate({})
    server: ServerSettings = ServerSettings.model_validate({})
    database: DatabaseSettings = DatabaseSettings.model_validate({})
    media: MediaSettings = MediaSettings.model_validate({})
    federation: FederationSettings = FederationSettings.model_validate({})
    painting: PaintingSettings = PaintingSettings.model_validate({})
    safety: SafetySettings = SafetySettings.model_validate({})
    words: WordsSettings = WordsSettings.model_validate({})
    log: LogSettings = LogSettings.model_validate({})

    @field_validator("federation")
    @classmethod
    def _not_itself(cls, value: FederationSettings, info: ValidationInfo) -> FederationSettings:
        instance = info.data.get("instance")
        if isinstance(instance, InstanceSettings) and instance.domain in {
            *value.reject, *value.silence, *value.reject_media, *value.reject_reports
        }:  # fmt: skip
            raise ValueError("this instance cannot block itself")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings


def load(file: Path | None = None) -> Settings:
    """Read the settings.

    Args:
        file: the configuration file; without it `$EASEL_CONFIG`, else `config.toml` if it is
            there, else the defaults. Relative paths inside it are relative to its folder.

    Raises:
        SettingsError: the file is missing, is no TOML, or holds something unusable.
    """
    named = _named(file)
    path = named or DEFAULT_CONFIG_FILE
    values: dict[str, Any] = {}
    if path.exists():
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path} is not valid TOML: {error}.") from error
    elif named is not None:
        raise SettingsError(f"There is no settings file {path}.")
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise SettingsError(_plain(error, path)) from error
    return _anchored(settings, path.parent if path.exists() else Path())


def file_in_use(file: Path | None = None) -> Path | None:
    """The settings file that `load` reads, or None if there is none.

    Args:
        file: as for `load`.
    """
    path = _named(file) or DEFAULT_CONFIG_FILE
    return path if path.exists() else None


def _named(file: Path | None) -> Path | None:
    variable = os.environ.get(CONFIG_FILE_VARIABLE)
    return file or (None if variable is None else Path(variable))


def _anchored(settings: Settings, folder: Path) -> Settings:
    """Make the paths in the settings relative to the file that names them."""
    database = settings.database
    if database.url.startswith("sqlite:///") and not database.url.startswith("sqlite:////"):
        name = database.url.removeprefix("sqlite:///")
        database = database.model_copy(update={"url": f"sqlite:///{(folder / name).resolve()}"})
    media = settings.media.model_copy(update={"folder": (folder / settings.media.folder).resolve()})
    return settings.model_copy(update={"database": database, "media": media})


def _plain(error: ValidationError, path: Path) -> str:
    lines = []
    for mistake in error.errors():
        where = ".".join(str(part) for part in mistake["loc"])
        if mistake["type"] == "extra_forbidden":
            lines.append(f"{path}: there is no setting {where}.")
        else:
            lines.append(f"{path}: {where}: {mistake['msg'].removeprefix('Value error, ')}.")
    return "\n".join(lines)


def render_example() -> str:
    """The text of `config.example.toml`: each setting with its default and its comment."""
    lines = [
        "# Easel's settings. Copy this file to config.toml and change what you need.",
        "# Each can also be set by the environment: EASEL_INSTANCE__URL=https://easel.example",
    ]
    for name, field in Settings.model_fields.items():
        section = field.annotation
        assert isinstance(section, type) and issubclass(section, Section)
        about = " ".join((section.__doc__ or "").split())
        lines += ["", f"# {about}", f"[{name}]"]
        for key, entry in section.model_fields.items():
            lines += [f"# {entry.description}", f"{key} = {toml_value(entry.default)}"]
    return "\n".join(lines) + "\n"


def toml_value(value: object) -> str:
    """A setting's value as it is written in the settings file."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case list():
            return "[" + ", ".join(toml_value(entry) for entry in value) + "]"
        case _:
            text = str(value).replace("\\", "\\\\").replace('"', '\\"')
            return f'"{text}"'
