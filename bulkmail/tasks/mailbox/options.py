"""What a job may say of a sweep: the parts, and the options of each. Sends nothing."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, SerializeAsAny, ValidationError, ValidationInfo, field_validator

from bulkmail.config.words import in_words
from bulkmail.task.declare import Options
from bulkmail.tasks.mailbox.parts import PARTS
from bulkmail.text import nearest


class MailboxReportOptions(Options):
    """Which parts, and how each reports."""

    parts: tuple[str, ...] = Field(tuple(PARTS), min_length=1, description="reports, by their names without .report")
    options: Mapping[str, SerializeAsAny[Options]] = Field(
        {}, description="a table [task.options.PART] for a part: the options of its own report"
    )

    @field_validator("parts")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if strange := next((name for name in value if name not in PARTS), ""):
            raise ValueError(f"{strange[:60]!r} is not one of {', '.join(PARTS)}{nearest(strange, PARTS)}")
        return tuple(dict.fromkeys(value))

    @field_validator("options", mode="before")
    @classmethod
    def _of_parts(cls, value: Any, info: ValidationInfo) -> Mapping[str, Options]:
        if not isinstance(value, dict):
            raise ValueError("should be a table of tables")  # noqa: TRY004 - the library knows no other
        parts = info.data.get("parts", tuple(PARTS))
        if strange := next((name for name in value if name not in parts), ""):
            raise ValueError(f"there is no part {strange[:60]!r}{nearest(strange, parts)}")
        return {name: _checked(name, given, info.context) for name, given in value.items()}

    def of(self, part: str) -> Options:
        """The options of one part: built in, where the job says nothing of it."""
        return self.options.get(part) or PARTS[part].options()


def _checked(name: str, given: Any, context: Any) -> Options:
    try:
        options = PARTS[name].options.model_validate(given, context=context)
    except ValidationError as error:
        first, *_ = error.errors(include_url=False)
        where = ".".join([name, *map(str, first["loc"][:1])])
        if first["type"] == "extra_forbidden":
            near = nearest(str(first["loc"][0]), PARTS[name].options.model_fields)
            raise ValueError(f"{where} is not an option of {PARTS[name].name}{near}") from None
        raise ValueError(f"{where} {in_words([first])}") from None
    if last := options.needs_state():
        raise ValueError(f"{name}.{last} goes on from the last run, which a sweep of several reports does not")
    return options
