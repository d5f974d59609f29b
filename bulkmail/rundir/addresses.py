"""`addresses.ndjson`: the only file of a masked run with addresses in it, each with the digest that stands for it.

A run that goes on, and an undo, find the addresses of their mailboxes here. A line is durable before the first line of
a journal that needs it. Without the file a run directory can still be looked at, and tells of no one.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import orjson

from bulkmail.core.mask import Mask
from bulkmail.core.veil import Veil
from bulkmail.errors import Damaged
from bulkmail.rundir.folder import ADDRESSES
from bulkmail.rundir.journal import Journal, read
from bulkmail.rundir.manifest import JobFile, Manifest
from bulkmail.sink import json_line
from bulkmail.sink.appender import reopened

MASKED, TEXT = "masked", "text"

_OF_INPUT = ("users", "group", "where")
"""Members of a manifest's input that may name people; the others are paths and figures."""


class Addresses:
    """Those of the run in `folder`; with a `mask` it writes them, too. `run` is the id that the file names. Safe to be
    used by several threads. Nothing is read before it is asked for. Everything but `row` and `text` blocks, and raises
    Damaged and OutputError."""

    def __init__(self, folder: Path, run: str | None, mask: Mask | None = None) -> None:
        self.path = folder / ADDRESSES
        self._run = run
        self._mask = Mask() if mask is None else mask
        self._veil: Veil | None = None
        self._length = 0
        self._required = False
        self._writing = threading.RLock()

    def __repr__(self) -> str:
        return f"<Addresses {self.path}>"

    def require(self) -> None:
        """From now on what cannot be shown is an error, though the file has been taken away: a run goes on by it."""
        self._required = True

    def shown(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """An entry as it was before it was hidden; as it is, where the file has been taken away."""
        veil = self._known()
        try:
            return veil.show_entry(entry)
        except KeyError:
            if not self._required and not self.path.exists():
                return dict(entry)
        with self._writing:  # a process that is alive may have written more since
            veil.learn(self._read())
        try:
            return veil.show_entry(entry)
        except KeyError as error:
            raise Damaged(
                f"{self.path}: does not say which address {error.args[0]} stands for",
                hint="Put the file back from a backup.",
            ) from None

    def hidden(self, entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Entries without addresses; what shows them again would survive a power cut."""
        veil = self._known()
        hidden = [veil.hide_entry(entry) for entry in entries]
        self.flush()
        return hidden

    def row(self, row: Mapping[str, Any], address: str) -> dict[str, Any]:
        """A row of a report without addresses. Does not block: `load` comes first, and `flush` some time later."""
        return self._known().row(row, address)

    def text(self, text: str) -> str:
        """A text without addresses, as `row`."""
        return self._known().text(text)

    def load(self) -> None:
        """Reads the file, if that has not been done."""
        self._known()

    def flush(self) -> None:
        """Returns when all that was hidden so far would be found again after a power cut."""
        veil = self._known()
        with self._writing:
            if fresh := veil.fresh():
                with reopened(self.path, self._length) as file:
                    Journal(file, self._run or "").append(
                        [json_line({MASKED: token, TEXT: text})[:-1] for token, text in fresh]
                    )
                    self._length = file.length
                veil.kept(len(fresh))  # what could not be written is written with the next

    def _known(self) -> Veil:
        if (veil := self._veil) is None:
            with self._writing:
                veil = self._veil  # another thread may have read the file while this one waited
                veil = self._veil = Veil(self._mask, self._read()) if veil is None else veil
        return veil

    def _read(self) -> dict[str, str]:
        texts: dict[str, str] = {}
        for end, entry in read(self.path, run=self._run):
            texts[str(entry[MASKED])] = str(entry[TEXT])
            self._length = end
        return texts


def addresses_of(manifest: Manifest, folder: Path, mask: Mask | None) -> Addresses | None:
    """Those of a run that writes; None for one that is not masked."""
    return None if mask is None else Addresses(folder, manifest.id, mask)


class HiddenEntries:
    """A journal from which addresses are kept out."""

    def __init__(self, journal: Journal, addresses: Addresses) -> None:
        self._journal = journal
        self._addresses = addresses

    def append(self, entries: Sequence[bytes]) -> None:
        """As `Journal.append`."""
        hidden = self._addresses.hidden(map(orjson.loads, entries))
        self._journal.append([json_line(entry)[:-1] for entry in hidden])


def journal_of(journal: Journal, addresses: Addresses | None) -> Journal | HiddenEntries:
    """A journal as a run writes to it."""
    return journal if addresses is None else HiddenEntries(journal, addresses)


def write_manifest(manifest: Manifest, folder: Path, addresses: Addresses | None) -> Manifest:
    """Puts a manifest into `folder`, without `addresses`, and returns it as `Manifest.write` does, with them. Raises
    Damaged and OutputError. Blocks."""
    if addresses is None:
        return manifest.write(folder)
    written = _each(manifest, lambda told: addresses.hidden([told])[0]).write(folder)
    return replace(manifest, pid=written.pid, host=written.host, user=written.user)


def shown_manifest(manifest: Manifest, addresses: Addresses | None) -> Manifest:
    """What `write_manifest` was given, of what stands in `run.json`. Raises Damaged and OutputError. Blocks."""
    return manifest if addresses is None else _each(manifest, addresses.shown)


def _each(manifest: Manifest, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Manifest:
    """A manifest with what may name people changed: what the job says, and what was told of the run."""
    given, job = asdict(manifest.input), asdict(manifest.job)
    told = change({
        "options": manifest.options, "reason": manifest.reason, "warnings": manifest.warnings,
        "input": {name: given[name] for name in _OF_INPUT}, "job": job,
    })  # fmt: skip
    return replace(
        manifest, options=told["options"], reason=told["reason"], warnings=tuple(told["warnings"]),
        input=replace(manifest.input, **told["input"]), job=JobFile(**told["job"]),
    )  # fmt: skip
