"""Every other user has a photo: the bytes of a JPEG in name only."""

from bulkmail.sim.tenant.seeded import mix
from bulkmail.sim.world import World

SIDE = 648  # pixels


def photo(world: World, user: int) -> bytes | None:
    bits = mix(world.tenant.seed, user, 800)
    return None if bits & 1 else b"\xff\xd8\xff\xe0" + bits.to_bytes(16, "big") * (100 + bits % 400) + b"\xff\xd9"
