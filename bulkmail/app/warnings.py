"""What a person should look at before a run goes on, and in its summary: little that is wrong by itself, and may be."""

from dataclasses import replace

from bulkmail.model import Source
from bulkmail.rundir.folder import REJECTED
from bulkmail.rundir.manifest import Manifest
from bulkmail.task.declare import Options


def warned(manifest: Manifest, options: Options, source: Source) -> Manifest:
    """The manifest of a run whose input, `source`, was read to its end, with its warnings. Taking back has none:
    nothing of it was chosen anew."""
    if manifest.undo:
        return manifest
    counts, most = manifest.counts, manifest.limits.get("max_rejected", 1)
    rejected = counts.blank + counts.invalid
    told = f"{rejected:,} of {counts.rows:,} rows of the input name no mailbox: see {REJECTED}"
    warnings = ((told,) if rejected > most * counts.rows else ()) + tuple(getattr(source, "warnings", ()))
    return replace(manifest, warnings=(*warnings, *options.warnings()))
