"""The steps in order, nothing else: every message of every client comes in here and every exit is recorded.

Authenticate before anything is looked at; parse strictly; tell the era; find the session; then do what the method table
says: a guarded call is decided (`calls`), a list is filtered (`lists`), a handshake opens a session, the rest is passed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from toolgate import secrets
from toolgate.errors import BadRequest, NotFound, ToolgateError
from toolgate.mcp import eras, headers, messages, tools
from toolgate.mcp.eras import Era
from toolgate.mcp.messages import Interim, Notification, Reply, Request, Response
from toolgate.mcp.methods import Guard, method_of
from toolgate.policy.decision import Call
from toolgate.proxy import record, reply
from toolgate.proxy.authenticate import authenticate
from toolgate.proxy.calls import Calls, Turn
from toolgate.proxy.flood import Flood
from toolgate.proxy.lists import filtered
from toolgate.proxy.model import Answer, Exchange, Principal, ToClient
from toolgate.proxy.resolve import Directory
from toolgate.proxy.sessions import Session, Sessions
from toolgate.proxy.transports.port import NoStream, Target, Transport
from toolgate.proxy.upstream import Upstream
from toolgate.store.port import Record

ACCEPTED = Answer(202)


@dataclass(slots=True)
class Context:
    """A message on its way: what is known so far, so that an exit at any step can be recorded."""

    exchange: Exchange
    call_id: str
    now: int
    principal: Principal | None = None
    request_id: messages.Id | None = None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The data plane over its ports. `targets` are the upstreams as configured, by server name."""

    directory: Directory
    sessions: Sessions
    calls: Calls
    targets: Mapping[str, Target]
    transports: Mapping[str, Transport]
    org_id: str
    pepper: bytes
    clock: Callable[[], int]
    max_body: int = 4 * 1024 * 1024
    allow_private: bool = False
    flood: Flood = field(default_factory=Flood)

    async def post(self, exchange: Exchange) -> Answer:
        """Handle one client message. Never raises but CancelledError."""
        context = Context(exchange, secrets.new_id("call"), self.clock())
        try:
            principal = await self._principal(context)
            message = messages.parse(exchange.body, self.max_body)
            if isinstance(message, Request):
                context.request_id = message.id
                return await self._request(context, principal, message)
            return await self._one_way(context, principal, message)
        except ToolgateError as error:
            return await self._refused(context, error)

    async def listen(self, exchange: Exchange, interim: ToClient) -> Answer:
        """Deliver what the server says unasked until it stops. The answer is an error, or 200 when the stream ended."""
        context = Context(exchange, secrets.new_id("call"), self.clock())
        try:
            session = self._session(context, await self._principal(context))
            await self._listen(session, interim, exchange.header(b"last-event-id"))
            return Answer(200)
        except NoStream as error:
            return Answer(405, reply.failure(error, None).body)
        except ToolgateError as error:
            return await self._refused(context, error)

    async def _listen(self, session: Session, interim: ToClient, last_event_id: str | None) -> None:
        """Until the server ends the stream or the session is closed (its grant revoked, its server changed)."""
        stream = asyncio.ensure_future(session.upstream.listen(interim, last_event_id))
        closed = asyncio.ensure_future(session.closed.wait())
        try:
            await asyncio.wait({stream, closed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            closed.cancel()
            stream.cancel()
        await asyncio.wait({stream})
        if not stream.cancelled():
            stream.result()

    async def delete(self, exchange: Exchange) -> Answer:
        """End the client's session."""
        context = Context(exchange, secrets.new_id("call"), self.clock())
        try:
            principal = await self._principal(context)
            session = self._session(context, principal)
            await self.sessions.remove(session)
            note = record.request(
                principal, "DELETE", effect="ok", call_id=context.call_id, session_id=session.id, now=context.now
            )
            await self.calls.ledger.note(note)
            return Answer(200)
        except ToolgateError as error:
            return await self._refused(context, error)

    async def refuse(self, server: str, error: ToolgateError) -> Answer:
        """Record and answer what an edge would not take."""

        async def nobody(_message: Interim) -> None:
            """There is nobody to tell."""

        return await self._refused(Context(Exchange(server, b"", nobody), secrets.new_id("call"), self.clock()), error)

    async def _principal(self, context: Context) -> Principal:
        await self.directory.refresh()
        context.principal = authenticate(context.exchange, self.directory, self.pepper, context.now)
        return context.principal

    async def _refused(self, context: Context, error: ToolgateError) -> Answer:
        self.calls.metrics.refusals.labels(error.code).inc()
        refusal = record.refusal(
            self.org_id, context.exchange.server, error,
            call_id=context.call_id, now=context.now, principal=context.principal,
        )  # fmt: skip
        answer = reply.failure(error, context.request_id)
        try:
            left_out = self.flood.admit(context.now) if context.principal is None else 0
            if left_out is not None:
                await self.calls.ledger.note(
                    replace(refusal, detail={**(refusal.detail or {}), **({"left_out": left_out} if left_out else {})})
                )
        except ToolgateError as unrecorded:
            return reply.failure(unrecorded, context.request_id)
        return answer

    async def _one_way(self, context: Context, principal: Principal, message: Notification | Response) -> Answer:
        """A notification, or an answer to a request that the server made."""
        era = self._era(context, message)
        if era is Era.STATELESS:
            # there is nothing to notify: cancelling is hanging up
            return ACCEPTED
        session = self._session(context, principal)
        if isinstance(message, Response):
            await session.upstream.respond(message.id, messages.reply_of(message))
        elif message.method == "notifications/cancelled":
            session.cancel(message.params.get("requestId", ""))
        else:
            method_of(message.method, era, notification=True)
            await session.upstream.notify(message.method, message.params or None)
        return ACCEPTED

    async def _request(self, context: Context, principal: Principal, request: Request) -> Answer:
        era = self._era(context, request)
        guard = method_of(request.method, era).guard
        if request.method == "initialize":
            return await self._initialize(context, principal, request)
        if era is Era.STATELESS:
            session = await self._shared(context, principal)
        else:
            session = self._session(context, principal)
        turn = Turn(context.exchange, principal, era, session, request, context.call_id, context.now)
        return Answer(200, messages.reply_bytes(request.id, await self._run(turn, guard)))

    async def _run(self, turn: Turn, guard: Guard) -> Reply:
        """Run a request so that the client can cancel it by its id."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("the pipeline runs inside a task")
        turn.session.begin(turn.request.id, task)
        try:
            return await GUARDS[guard](self, turn)
        except asyncio.CancelledError:
            if task not in turn.session.cancelled:
                raise
            task.uncancel()
            return messages.error_reply(reply.CANCELLED, "the client cancelled this request")
        finally:
            turn.session.end(turn.request.id, task)

    def _era(self, context: Context, message: messages.ClientMessage) -> Era:
        exchange = context.exchange
        era = eras.era_of(message, exchange.header(b"mcp-protocol-version"))
        if era is Era.STATELESS and isinstance(message, Request):
            eras.check_stateless(message, exchange.header(b"mcp-protocol-version"))
            if exchange.local is None:
                headers.check_mirrors(exchange.headers, message)
        return era

    def _session(self, context: Context, principal: Principal) -> Session:
        session_id = context.exchange.header(b"mcp-session-id")
        if session_id is None:
            raise BadRequest("this needs a session; send `initialize` first and repeat its `Mcp-Session-Id` header")
        return self.sessions.get(session_id, principal.grant_id, principal.server, context.now)

    async def _shared(self, context: Context, principal: Principal) -> Session:
        session = self.sessions.shared(principal.grant_id)
        if session is None:
            async with self.sessions.opening(principal.grant_id):
                session = self.sessions.shared(principal.grant_id)
                if session is None:
                    upstream = self._upstream(principal.server, None)
                    hello = await upstream.open()
                    if hello.error is not None:
                        await upstream.close()
                        raise BadRequest(f"the server `{principal.server}` refused to be opened: {_text(hello)}")
                    session = self.sessions.share(principal.grant_id, principal.server, upstream, context.now)
        session.used = context.now
        return session

    async def _initialize(self, context: Context, principal: Principal, request: Request) -> Answer:
        self.sessions.room(principal.grant_id)
        upstream = self._upstream(principal.server, request.params)
        hello = await upstream.open()
        session_id = None
        if hello.error is None:
            session_id = self.sessions.add(principal.grant_id, principal.server, upstream, context.now).id
        else:
            await upstream.close()
        await self.calls.ledger.note(self._plain_record(context, principal, "initialize", session_id, hello))
        return Answer(200, messages.reply_bytes(request.id, hello), session_id)

    def _upstream(self, server: str, introduction: dict[str, object] | None) -> Upstream:
        target = self.targets.get(server) or self._registered(server)
        transport = self.transports["stdio" if target.command else "http"]
        return Upstream(target, transport, introduction)

    def _registered(self, name: str) -> Target:
        """A server that was registered by its address alone. One that starts a command must be configured."""
        found = self.directory.server(name)
        if found is None or found.url is None:
            raise NotFound(f"the server `{name}` is not in this gateway's configuration; add `[servers.{name}]` to it")
        return Target(name, found.url, allow_private=self.allow_private)

    def _plain_record(
        self, context: Context, principal: Principal, method: str, session_id: str | None, answer: Reply
    ) -> Record:
        effect = "ok" if answer.error is None else "error"
        return record.request(principal, method, effect=effect, call_id=context.call_id, session_id=session_id, now=context.now)


async def _guarded(pipeline: Pipeline, turn: Turn) -> Reply:
    call = tools.call_of(turn.request)
    if turn.era is Era.STATELESS and turn.exchange.local is None and call.kind == "tool":
        known = pipeline.calls.definitions.get(turn.principal.server_id, call.name)
        headers.check_params(turn.exchange.headers, known and known.input_schema, call.arguments)
    return await pipeline.calls.run(turn, Call(call.kind, call.name, call.arguments))


async def _listed(pipeline: Pipeline, turn: Turn) -> Reply:
    answer = await turn.session.upstream.request(turn.request, turn.exchange.headers, turn.exchange.interim)
    answer = await filtered(turn.principal, turn.request.method, answer, turn.era, pipeline.calls.definitions, turn.now)
    await pipeline.calls.ledger.note(_noted(turn, answer))
    return answer


async def _discovered(pipeline: Pipeline, turn: Turn) -> Reply:
    """`server/discover`: what the server said when this conversation was opened."""
    answer = turn.session.upstream.hello
    await pipeline.calls.ledger.note(_noted(turn, answer))
    return answer


async def _passed(pipeline: Pipeline, turn: Turn) -> Reply:
    answer = await turn.session.upstream.request(turn.request, turn.exchange.headers, turn.exchange.interim)
    await pipeline.calls.ledger.note(_noted(turn, answer))
    return answer


def _noted(turn: Turn, answer: Reply) -> Record:
    return record.request(
        turn.principal, turn.request.method, effect="ok" if answer.error is None else "error",
        call_id=turn.call_id, session_id=turn.session.id, now=turn.now,
    )  # fmt: skip


def _text(answer: Reply) -> str:
    return bytes(answer.error or b"").decode(errors="replace")[:200]


GUARDS: dict[Guard, Callable[[Pipeline, Turn], Awaitable[Reply]]] = {
    Guard.CALL: _guarded,
    Guard.LIST: _listed,
    Guard.DISCOVER: _discovered,
    Guard.PASS: _passed,
}
