"""Traces for OpenTelemetry: a span a request, with its waits and repetitions, and in it a span an attempt.

Where the environment says where traces go (OTEL_EXPORTER_OTLP_ENDPOINT, as for any program), and the extra is there,
they go there. They name a mailbox by its row, never by its address, and hold nothing of what was sent or answered.
"""

import asyncio
import logging
import os
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

from bulkmail.daemon import in_daemon
from bulkmail.model import Request, Response, Transport

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

log = logging.getLogger(__name__)

Wrap: TypeAlias = Callable[[Transport], Transport]
VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PATIENCE = 5.0
"""Seconds that the end of a run waits for a collector that does not answer. What its library offers for that is a bound
for each of many batches."""

_WORD = re.compile(r"\$?[A-Za-z]{2,24}")


class Tracing:
    """A transport that tells of another one; `what` begins the names of its spans."""

    def __init__(self, inner: Transport, tracer: "Tracer", what: str) -> None:
        self._inner = inner
        self._tracer = tracer
        self._what = what

    def __repr__(self) -> str:
        return f"<Tracing {self._inner!r}>"

    async def send(self, request: Request, /) -> Response:
        route = route_of(request)
        told = {"http.request.method": request.method, "url.template": route, "bulkmail.row": request.row}
        with self._tracer.start_as_current_span(
            f"{self._what} {request.method} {route}", attributes=told, record_exception=False,
            set_status_on_exception=False,
        ) as span:  # fmt: skip
            try:
                response = await self._inner.send(request)
            except Exception as error:  # its text may name people
                span.set_attribute("error.type", type(error).__name__)
                raise
            span.set_attribute("http.response.status_code", response.status)
            return response


def route_of(request: Request) -> str:
    """The path with the words of Graph alone: what else stands in it are names of people and things."""
    if request.address is not None:
        return "{link}"
    parts = request.path.partition("?")[0].split("/")
    users = parts[1:2] == ["users"]
    return "/".join(
        part if _WORD.fullmatch(part) and not (users and place == 2) else "{id}" if part else ""
        for place, part in enumerate(parts)
    )


@asynccontextmanager
async def traced(
    environment: Mapping[str, str] = os.environ, patience: float = PATIENCE
) -> AsyncIterator[tuple[Wrap, Wrap]]:
    """What wraps the top of the stack, and the wire; nothing where no traces are asked for."""
    if not any(environment.get(name) for name in VARIABLES):
        yield _as_is, _as_is
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        log.warning("there are no traces: pip install 'bulkmail[traces]' brings what they need")
        yield _as_is, _as_is
        return
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield wraps(provider.get_tracer("bulkmail"))
    finally:
        try:
            async with asyncio.timeout(patience):
                await in_daemon(provider.shutdown)
        except TimeoutError:
            log.warning("the collector of traces did not take all of them in %g s", patience)


def wraps(tracer: "Tracer") -> tuple[Wrap, Wrap]:
    """For the top of the stack, and for the wire."""
    return lambda inner: Tracing(inner, tracer, "request"), lambda inner: Tracing(inner, tracer, "attempt")


def _as_is(inner: Transport) -> Transport:
    return inner
