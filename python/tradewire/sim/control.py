"""Faults over HTTP: refusals of the venue's own calls, and `/sim/chaos`, by which another process controls them.

    POST   /sim/chaos        body: one script line without its time -> 201 and the fault
    GET    /sim/chaos        every fault so far, with its counter
    GET    /sim/chaos/3      one of them
    DELETE /sim/chaos/3      stop it
    DELETE /sim/chaos        stop all

A fault is `{"number":3,"fault":"drop 2 book","injected":1,"active":true}`. Python clients: `remote`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from tradewire.sim.script import begin

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.typedefs import Handler

    from tradewire.sim.chaos import Chaos
    from tradewire.sim.faults import Fault, Refusal

    #: Makes the venue's own body for a refusal: the refusal -> body, extra headers.
    RefusalBody = Callable[[Refusal], tuple[str, dict[str, str]]]

__all__ = ["PATH", "add_faults"]

PATH = "/sim/chaos"


def add_faults(application: web.Application, chaos: Chaos, body: RefusalBody) -> None:
    """Let faults come between callers and an application, and let callers control the faults."""

    @web.middleware
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        own = request.path == PATH or request.path.startswith(PATH + "/")
        refusal = None if own else chaos.request(request.path)
        if refusal is None:
            return await handler(request)
        text, headers = body(refusal)
        if refusal.retry_after_s is not None:
            headers = {**headers, "Retry-After": str(refusal.retry_after_s)}
        return web.Response(status=refusal.status, text=text, headers=headers, content_type="application/json")

    application.middlewares.append(refuse)
    control = _Control(chaos)
    application.router.add_post(PATH, control.begin)
    application.router.add_get(PATH, control.list)
    application.router.add_delete(PATH, control.clear)
    application.router.add_get(PATH + "/{number:\\d{1,9}}", control.show)
    application.router.add_delete(PATH + "/{number:\\d{1,9}}", control.stop)


class _Control:
    def __init__(self, chaos: Chaos) -> None:
        self._chaos = chaos

    async def begin(self, request: web.Request) -> web.Response:
        try:
            fault = begin(await request.text(), self._chaos)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({} if fault is None else _shown(fault), status=201)

    async def list(self, _request: web.Request) -> web.Response:
        return web.json_response([_shown(fault) for fault in self._chaos.faults])

    async def show(self, request: web.Request) -> web.Response:
        return web.json_response(_shown(self._found(request)))

    async def stop(self, request: web.Request) -> web.Response:
        fault = self._found(request)
        fault.stop()
        return web.json_response(_shown(fault))

    async def clear(self, _request: web.Request) -> web.Response:
        self._chaos.clear()
        return web.json_response([_shown(fault) for fault in self._chaos.faults])

    def _found(self, request: web.Request) -> Fault:
        number = int(request.match_info["number"])
        fault = self._chaos.find(number)
        if fault is None:
            raise web.HTTPNotFound(text=f'{{"error":"there is no fault {number}"}}', content_type="application/json")
        return fault


def _shown(fault: Fault) -> dict[str, object]:
    return {
        "number": fault.number,
        "fault": fault.text,
        "injected": fault.injected,
        "active": fault.is_active,
    }
