"""Asks for the password of the application's key where the job gives none and a person sits at the terminal."""

import os
import sys
from collections.abc import Callable
from typing import TypeVar

import typer

from bulkmail.errors import CertificateLocked

VARIABLE = "BULKMAIL_CERTIFICATE_PASSWORD"

T = TypeVar("T")


def unlocking(work: Callable[[], T]) -> T:
    """What `work` gives. If it finds the key locked, it is done once more with the password that was typed. Nothing has
    begun by then: the key is read before the first request, and before a directory is made.

    Raises what `work` raises.
    """
    try:
        return work()
    except CertificateLocked as error:
        if not sys.stdin.isatty():
            raise
        typer.echo(f"{error}; Ctrl-C stops.", err=True)
    os.environ[VARIABLE] = typer.prompt("Password of the private key", hide_input=True, err=True)
    return work()
