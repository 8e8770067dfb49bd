"""What all groups of settings share: how their variables are called, and where their values come from.

Holds no setting itself: those are in `bot.settings.groups`.
"""

from __future__ import annotations

from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

PREFIX = "HANDOFF_"


class SettingsGroup(BaseSettings):
    """Settings that belong together; the docstring of each group is its headline in the documents."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        validate_default=False,
        use_attribute_docstrings=True,
        populate_by_name=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # `Settings.load` reads the sources itself: a Settings made in code is what its arguments say.
        return (init_settings,)
