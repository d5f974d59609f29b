"""A text that must not be seen: a password, a client secret. Knows nothing of what it opens."""

import codecs
from pathlib import Path
from typing import NoReturn

from bulkmail.errors import ConfigError

LARGEST = 64 * 1024  # bytes; a federated assertion is a few thousand


class Secret:
    """Holds `text` so that no repr, log line, comparison or pickle shows it. `reveal()` is the only way out."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def encoded(self) -> bytes:
        """In UTF-8. Raises ConfigError where it is no text, as when the environment held other bytes."""
        try:
            return self._text.encode()
        except UnicodeEncodeError:
            pass  # raised below: this one carries the text
        raise ConfigError("a secret holds bytes that are no text", hint="Write it in UTF-8, or put it into a file.")

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


def read_secret(path: Path) -> Secret:
    """The first line of a file; in UTF-8, or the UTF-16 that Windows PowerShell writes.

    Raises ConfigError where the file cannot be read, is no text or is empty.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST)
    except OSError as error:
        raise ConfigError(f"cannot read the secret in {path}: {error.strerror}") from None
    text = _decoded(content)
    if not text:
        raise ConfigError(f"there is no secret in {path}", hint="Its first line has to be the secret.")
    return Secret(text)


def _decoded(content: bytes) -> str:
    """Empty where the bytes are no text: the error of a decoder would carry them."""
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return content.decode(encoding).partition("\n")[0].rstrip("\r")
    except UnicodeDecodeError:
        return ""
