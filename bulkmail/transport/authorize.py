"""Puts the token on a request, and notes which token an answer refused. Never shows a token to anything else.

It sits below the batch, so that a whole post needs one token. It does not repeat: a request that was refused is sent
again by the wrapper for retries, through all limits, and finds a new token here if `core.access` says that one is to be
asked for. Nor does it let anything pass a fence: a request that waited for a token while one rose asks the limiter once
more.
"""

import asyncio
from collections.abc import Callable

from bulkmail.core.access import Access
from bulkmail.core.batch import Readmit
from bulkmail.core.odata import challenge
from bulkmail.errors import NOT_SENT
from bulkmail.model import Request, Response, TokenSource, Transport


class Authorizing:
    """`Authorization: Bearer …` on everything that passes. Raises SignInError when no token is to be had, and Readmit.

    `access` says when a token that was refused is replaced, and `risen` counts the fences that rose so far.
    """

    def __init__(
        self,
        inner: Transport,
        tokens: TokenSource,
        access: Access | None = None,
        risen: Callable[[], int] = lambda: 0,
    ) -> None:
        self._inner = inner
        self._tokens = tokens
        self._access = access or Access()
        self._risen = risen
        self._latest = ""
        self._refused = ("", "")  # the token that was refused last, and the claims it lacked

    async def send(self, request: Request, /) -> Response:
        refused, claims = self._refused if self._access.renewing else ("", "")
        risen = self._risen()
        try:
            token = await self._tokens.token(refused=refused, claims=claims)
        except asyncio.CancelledError as cancelled:
            cancelled.add_note(NOT_SENT)
            raise
        if token != self._latest:
            if self._latest:
                self._access.renewed()
            self._latest = token
        if self._risen() != risen:
            raise Readmit
        response = await self._inner.send(request.with_headers({**request.headers, "Authorization": f"Bearer {token}"}))
        claims_wanted = challenge(response)
        if claims_wanted is not None and token == self._latest:  # a late word about an older one tells nothing new
            self._refused = (token, claims_wanted)
        return response
