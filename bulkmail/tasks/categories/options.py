"""The categories that each mailbox is given, as a job says them. Sends nothing."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator

from bulkmail.task.declare import Options
from bulkmail.tasks.categories.colours import known_colour

LONGEST = 255
"""Characters of a name."""


class CategoriesApplyOptions(Options):
    """Names with colours, and what becomes of all others."""

    categories: Mapping[str, str] = Field(
        min_length=1, description="name to colour: none, preset0 to preset24, or Outlook's name such as Blue or DarkRed"
    )
    mode: Literal["add", "update", "exact"] = Field(
        "add",
        description="add: makes those that are missing, and nothing else; update: sets the colours of the others, too; "
        "exact: also deletes all that are not named",
    )

    @field_validator("categories")
    @classmethod
    def _known(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        found = {}
        for name, colour in value.items():
            text = name.strip()
            if not text or len(text) > LONGEST:
                raise ValueError(f"a category should have a name of 1 to {LONGEST} characters")
            try:
                found[text] = known_colour(colour)
            except ValueError as error:
                raise ValueError(f"{text[:40]}: {error}") from None
        if len({name.casefold() for name in found}) < len(value):
            raise ValueError("names a category twice: names are the same in any case")
        return found
