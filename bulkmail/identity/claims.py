"""What an access token says about itself, for people to look at. Nothing is verified, and nothing may depend on it.

Tokens for Graph are opaque to their clients; these claims are documented (learn.microsoft.com/entra/identity-platform/
access-token-claims-reference) but may change, and roles can be missing where access exists all the same.
"""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bulkmail.text import shown

_PROOFS: Mapping[str, str] = {"0": "none", "1": "secret", "2": "certificate"}


def decode(token: str, now: datetime | None = None) -> dict[str, Any]:
    """The claims that matter; empty where `token` is not a JWT. The signature is never among them.

    `application`, `tenant`, `audience`, `type` (`app` for an app-only token), `signed_in_with`, `roles` (sorted),
    `expires` (ISO 8601, UTC; None if unknown), `minutes_left` (negative once expired; None if unknown).
    """
    claims = _payload(token)
    if claims is None:
        return {}
    roles = claims.get("roles")
    expires = _instant(claims.get("exp"))
    left = expires - (now or datetime.now(UTC)) if expires else None
    return {
        "application": _text(claims, "appid", "azp"),
        "tenant": _text(claims, "tid"),
        "audience": _text(claims, "aud"),
        "type": _text(claims, "idtyp"),
        "signed_in_with": _PROOFS.get(_text(claims, "appidacr", "azpacr"), ""),
        "roles": sorted(shown(str(role)) for role in roles) if isinstance(roles, list) else [],
        "expires": expires.isoformat() if expires else None,
        "minutes_left": int(left.total_seconds() // 60) if left is not None else None,
    }


def _payload(token: str) -> dict[str, Any] | None:
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


def _text(claims: Mapping[str, Any], *names: str) -> str:
    """The first of `names` that is there."""
    return next((shown(str(claims[name])) for name in names if name in claims), "")


def _instant(value: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(value, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
