"""The domains of a tenant: its own, the one that Microsoft gave it, and one whose owner was never verified."""

from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant.people import DOMAIN

UNVERIFIED = "not-yet.example"


def domains() -> list[Json]:
    return [
        _domain(DOMAIN, default=True),
        _domain(f"{DOMAIN.partition('.')[0]}.onmicrosoft.com", initial=True),
        _domain(UNVERIFIED, verified=False),
    ]


def _domain(name: str, *, default: bool = False, initial: bool = False, verified: bool = True) -> Json:
    return {
        "id": name,
        "authenticationType": "Managed",
        "availabilityStatus": None,
        "isAdminManaged": True,
        "isDefault": default,
        "isInitial": initial,
        "isRoot": True,
        "isVerified": verified,
        "supportedServices": ["Email", "OfficeCommunicationsOnline"] if verified else [],
    }
