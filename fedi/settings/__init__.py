"""What a host can set: `config.toml`, each entry overridable by `EASEL_<SECTION>__<NAME>`.

`config.example.toml` is rendered from the sections (`make config-example`); a test keeps both
in step, so the description of a field is also its comment there.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from fedi.settings.assisting import AssistantSettings
from fedi.settings.discovering import TrendsSettings
from fedi.settings.joining import MailSettings, RegistrationSettings
from fedi.settings.making import PaintingSettings, SafetySettings, WordsSettings
from fedi.settings.section import Section
from fedi.settings.serving import (
    PAPERS,
    DatabaseSettings,
    FederationSettings,
    InstanceSettings,
    LogSettings,
    MediaSettings,
    ServerSettings,
)

__all__ = [
    "AssistantSettings",
    "DatabaseSettings",
    "FederationSettings",
    "InstanceSettings",
    "LogSettings",
    "MailSettings",
    "MediaSettings",
    "PaintingSettings",
    "RegistrationSettings",
    "SafetySettings",
    "ServerSettings",
    "Settings",
    "SettingsError",
    "TrendsSettings",
    "WordsSettings",
    "file_in_use",
    "load",
    "render_example",
    "toml_value",
]

CONFIG_FILE_VARIABLE = "EASEL_CONFIG"
DEFAULT_CONFIG_FILE = Path("config.toml")
ENVIRONMENT = "EASEL_"  # what the variables begin with

# What Pydantic says in its own terms.
_WRITTEN = {
    "string_type": 'must be words in quotes, such as "Easel"',
    "int_type": "must be a whole number, such as 8",
    "int_parsing": "must be a whole number, such as 8",
    "int_from_float": "must be a whole number, such as 8",
    "float_type": "must be a number, such as 0.5",
    "float_parsing": "must be a number, such as 0.5",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": 'must be a list, such as ["one", "two"]',
    "path_type": 'must be a folder in quotes, such as "data/media"',
    "model_type": "must be a section, with its settings in the lines below it",
}


class SettingsError(Exception):
    """The settings cannot be used; the message is one plain sentence per mistake."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    instance: InstanceSettings = InstanceSettings.model_validate({})
    server: ServerSettings = ServerSettings.model_validate({})
    registrations: RegistrationSettings = RegistrationSettings.model_validate({})
    mail: MailSettings = MailSettings.model_validate({})
    database: DatabaseSettings = DatabaseSettings.model_validate({})
    media: MediaSettings = MediaSettings.model_validate({})
    federation: FederationSettings = FederationSettings.model_validate({})
    painting: PaintingSettings = PaintingSettings.model_validate({})
    safety: SafetySettings = SafetySettings.model_validate({})
    words: WordsSettings = WordsSettings.model_validate({})
    assistant: AssistantSettings = AssistantSettings.model_validate({})
    trends: TrendsSettings = TrendsSettings.model_validate({})
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
    values: dict[str, Any] | None = None
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if named is not None:
            raise SettingsError(f"There is no settings file {path}.") from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error
    try:
        settings = Settings(**values or {})
    except ValidationError as error:
        raise SettingsError(_plain(error, path)) from error
    return _anchored(settings, Path() if values is None else path.parent)


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
    papers = {name: getattr(settings.instance, name) for name in PAPERS}
    instance = settings.instance.model_copy(
        update={name: str((folder / file).resolve()) for name, file in papers.items() if file}
    )
    return settings.model_copy(update={"instance": instance, "database": database, "media": media})


def _plain(error: ValidationError, path: Path) -> str:
    """What is wrong, a sentence for each mistake."""
    lines = []
    for mistake in error.errors():
        where = ".".join(str(part) for part in mistake["loc"])
        if mistake["type"] == "extra_forbidden":
            lines.append(f"{path}: there is no setting {where}{_meant(where)}.")
            continue
        said = mistake["msg"].removeprefix("Value error, ").replace("Input should", "must", 1)
        said = _WRITTEN.get(mistake["type"], said)
        variable = f"{ENVIRONMENT}{where.replace('.', '__')}".upper()
        source = variable if variable in os.environ else f"{path}: {where}"
        lines.append(f"{source}: {said}.")
    return "\n".join(lines)


def _meant(where: str) -> str:
    """What somebody may have had in mind who wrote a name that is none."""
    section, _, name = where.rpartition(".")
    known = {
        key: list(type(entry.default).model_fields) for key, entry in Settings.model_fields.items()
    }
    if not section and any(name in keys for keys in known.values()):
        places = " or ".join(f"[{key}]" for key, keys in known.items() if name in keys)
        return f" outside of a section: it stands under {places}"
    near = difflib.get_close_matches(name, known.get(section, known), n=1)
    return f": {'.'.join(filter(None, (section, near[0])))} may be meant" if near else ""


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
