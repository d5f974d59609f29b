"""The other form of an id."""

from bulkmail.sim.tenant.ids import item_id, read_id


def translated(text: str, *, immutable: bool) -> str | None:
    """None for an id that the tenant never gave."""
    ref = read_id(text)
    return None if ref is None else item_id(ref.mailbox, ref.kind, ref.number, ref.moves, immutable=immutable)
