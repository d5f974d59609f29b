"""Every other user has a photo, and no contact: the bytes of a JPEG in name only. One that was put there is kept."""

from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant.seeded import mix
from bulkmail.sim.world import World

SIDE = 648  # pixels
SIZES = (48, 64, 96, 120, 240, 360, 432, 504, SIDE)  # in which a user's photo is to be had
KEPT = "photos"


def photo(world: World, user: int, number: int) -> bytes | None:
    """The photo of a contact by its number, or with 0 that of the user."""
    kept: Json = world.mailboxes.read(user).objects.get(KEPT, {})
    if str(number) in kept:
        content: bytes | None = kept[str(number)]
        return content
    bits = mix(world.tenant.seed, user, 800)
    return None if number or bits & 1 else b"\xff\xd8\xff\xe0" + bits.to_bytes(16, "big") * (100 + bits % 400) + END


END = b"\xff\xd9"


def keep(world: World, user: int, number: int, content: bytes | None) -> None:
    """None takes it away."""
    world.mailboxes.write(user).objects.setdefault(KEPT, {})[str(number)] = content
