"""The rooms among the users of the tenant, computed as they are come upon, and the lists that share them out."""

from collections.abc import Iterator

from bulkmail.sim.families.places.kind import LISTS
from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant.people import DOMAIN, State, Tenant
from bulkmail.sim.tenant.seeded import guid, mix


def rooms(tenant: Tenant, start: int, part: int | None = None) -> Iterator[int]:
    """The numbers of the rooms from `start` on: of all, or of one list."""
    for number in range(start, tenant.size):
        if part is None or number % len(LISTS) == part:
            there = tenant.purpose(number) == "room" and tenant.state(number) is State.PRESENT
            if there and number not in tenant.removed:
                yield number


def room(tenant: Tenant, number: int) -> Json:
    bits = mix(tenant.seed, number, 95)
    user = tenant.user(number)
    return _place(user["id"], user["displayName"], user["userPrincipalName"]) | {
        "nickname": user["displayName"],
        "building": LISTS[number % len(LISTS)],
        "floorNumber": bits % 9,
        "floorLabel": str(bits % 9),
        "label": "",
        "capacity": 2 + (bits >> 8) % 40,
        "bookingType": "standard",
        "audioDeviceName": None,
        "videoDeviceName": None,
        "displayDeviceName": None,
        "isWheelChairAccessible": bits >> 16 & 1 == 1,
        "tags": [],
    }


def room_list(tenant: Tenant, number: int) -> Json:
    name = LISTS[number]
    return _place(list_id(tenant, number), name, f"{name.lower()}@{DOMAIN}")


def list_id(tenant: Tenant, number: int) -> str:
    return guid(mix(tenant.seed, number, 96), number)


def _place(text: str, name: str, address: str) -> Json:
    street = {"street": "Quay 1", "city": "Harbour", "state": "", "postalCode": "12345", "countryOrRegion": "DE"}
    return {
        "id": text,
        "emailAddress": address,
        "displayName": name,
        "address": street,
        "geoCoordinates": {"latitude": 53.5, "longitude": 10.0},
        "phone": "+1 555 0100",
    }
