"""A pre-signed address: held so that it shows nowhere. Knows no host and opens no connection."""

from typing import NoReturn


class Address:
    """A pre-signed address: anyone who has it may use it, so it is a secret. No repr, log line, comparison or pickle
    shows it, and no row can hold it; `reveal()` is the only way out."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Address(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a pre-signed address is not written anywhere")
