"""Guard Mistral's own Python client by Windbreak: each call is authorised before it and settled after it.

    windbreak = Windbreak("unix:/run/windbreak.sock", principal="search-service")
    windbreak.connect()
    mistral = guard(Mistral(api_key=os.environ["MISTRAL_API_KEY"]), windbreak)
    try:
        answer = mistral.chat.complete(model="mistral-small-latest", messages=messages)
    except Denied as denied:
        print(denied, denied.reason, denied.http_status, denied.retry_after)
    except Undecided as undecided:
        print(undecided, undecided.code)

Copy this file beside the code that grpcio-tools generates from windbreak/v1/policy_decision.proto. It stands where
the client sends HTTP, so that it sees every attempt: a retry of the client's is authorised and settled by itself.

Guarded: chat (complete, stream, parse), fim, embeddings, moderations and classifications, sync and async. Reading
(GET) passes. Whatever else would reach Mistral is refused by NotGuarded: agents, conversations, OCR, audio, batch,
fine-tuning, uploads; and of the guarded, what no count of the request bounds: documents, audio, built-in tools,
safe_prompt, prompt_mode, guardrails, service_tier "auto". Streams that are never closed are not settled: they end by
the policy's `unsettled`.
"""

import asyncio
import json
import logging
import time
import uuid
import weakref

import grpc
import httpx2
from windbreak.v1 import policy_decision_pb2 as pb
from windbreak.v1 import policy_decision_pb2_grpc as rpc

_log = logging.getLogger("windbreak")

_ENDPOINTS = {
    "/v1/chat/completions": pb.ENDPOINT_CHAT_COMPLETIONS,
    "/v1/fim/completions": pb.ENDPOINT_FIM_COMPLETIONS,
    "/v1/embeddings": pb.ENDPOINT_EMBEDDINGS,
    "/v1/moderations": pb.ENDPOINT_MODERATIONS,
    "/v1/chat/moderations": pb.ENDPOINT_MODERATIONS,
    "/v1/classifications": pb.ENDPOINT_CLASSIFICATIONS,
    "/v1/chat/classifications": pb.ENDPOINT_CLASSIFICATIONS,
}
_WITH_OUTPUT = {pb.ENDPOINT_CHAT_COMPLETIONS, pb.ENDPOINT_FIM_COMPLETIONS}

# Mistral adds text of its own for these, which is not in the request.
_ADDS_INPUT = ("safe_prompt", "prompt_mode", "guardrails", "agent_id")
_COUNTABLE_CHUNKS = {"text", "image_url", "thinking", "reference"}
# The most that an image can come to: Pixtral's models, and all others.
_PIXTRAL_IMAGE_TOKENS, _IMAGE_TOKENS = 4160, 3080
# What Mistral may go on writing after a stream was cut.
_TAIL_TOKENS = 64

_AWAY = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
_SETTLE_S = 1.0
_BETWEEN_ATTEMPTS_S = 0.1
_CHANNEL_OPTIONS = [
    # A sidecar that is back is found at once, not after gRPC's two minutes.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
]


class NotCalled(Exception):
    """Mistral was not called, and nothing was spent. No retry of the client's own repeats it."""


class Denied(NotCalled):
    """Windbreak says no. `answer` is all that it says."""

    def __init__(self, answer):
        super().__init__(answer.message)
        self.answer = answer
        #: Such as "REASON_RATE_LIMITED".
        self.reason = pb.Reason.Name(answer.reason)
        #: What a service of yours should answer for it: 402, 403, 422, 429 or 503.
        self.http_status = answer.http_status
        #: Seconds after which the same call would pass; None where waiting does not help.
        self.retry_after = answer.retry_after.ToNanoseconds() / 1e9 if answer.HasField("retry_after") else None


class Undecided(NotCalled):
    """No decision was made: the sidecar is away or slow, or it could not take the question. `code` is gRPC's."""

    def __init__(self, error):
        super().__init__(f"no decision from Windbreak: {error.code().name}: {error.details()}")
        self.code = error.code()


class NotGuarded(NotCalled):
    """This call cannot be bounded before it is made, or is none that this file knows."""


class Windbreak:
    """A sidecar, and as whom it is asked.

    away: what becomes of a call while the sidecar does not answer: "deny" (default) or "allow". Calls that are let
        through so are reported once they are over, if the sidecar is back by then. A denial is never overridden, nor a
        question that the sidecar refused to take.
    deadline: seconds within which a decision must come.
    credential: an API key (wb_...) or token, where the service runs with --identity credential.
    tls: grpc.ssl_channel_credentials(...), where it is not a Unix socket or loopback.
    count_input: counts a request's input tokens from its body (a dict), in place of bound_input_tokens. It must never
        count too few: with a tokenizer, add what the chat template adds.
    labels: go to the decision log with each call.
    """

    def __init__(
        self,
        target,
        *,
        principal="",
        role="",
        workspace="",
        credential=None,
        tls=None,
        away="deny",
        deadline=0.1,
        count_input=None,
        labels=None,
    ):
        if away not in ("deny", "allow"):
            raise ValueError('away: must be "deny" or "allow"')
        self._target, self._tls = target, tls
        self._principal = pb.Principal(id=principal, role=role, workspace=workspace)
        self._metadata = [("authorization", f"Bearer {credential}")] if credential else None
        self._allows_away = away == "allow"
        self._deadline = deadline
        self._count_input = count_input or bound_input_tokens
        self._labels = labels or {}
        self._stub = None
        # A channel of gRPC's belongs to the loop that it was made in.
        self._async_stubs = weakref.WeakKeyDictionary()
        # A loop holds its tasks weakly.
        self._settling = set()

    def connect(self, timeout=5.0):
        """Wait until the sidecar can be reached, so that the first call's deadline is not spent on connecting."""
        grpc.channel_ready_future(self._sync()[0]).result(timeout)

    async def connect_async(self, timeout=5.0):
        """As connect."""
        await asyncio.wait_for(self._async()[0].channel_ready(), timeout)

    def close(self):
        """Let go of the connection; a later call makes another."""
        stub, self._stub = self._stub, None
        if stub is not None:
            stub[0].close()

    async def aclose(self):
        """Let go of this loop's connection; a later call makes another."""
        stub = self._async_stubs.pop(asyncio.get_running_loop(), None)
        if stub is not None:
            await stub[0].close()

    # Made at the first call: a process that forks before it shares nothing.
    def _sync(self):
        if self._stub is None:
            self._stub = self._open(grpc)
        return self._stub

    def _async(self):
        loop = asyncio.get_running_loop()
        if loop not in self._async_stubs:
            self._async_stubs[loop] = self._open(grpc.aio)
        return self._async_stubs[loop]

    def _open(self, grpc_or_aio):
        if self._tls is None:
            channel = grpc_or_aio.insecure_channel(self._target, options=_CHANNEL_OPTIONS)
        else:
            channel = grpc_or_aio.secure_channel(self._target, self._tls, options=_CHANNEL_OPTIONS)
        return channel, rpc.PolicyDecisionServiceStub(channel)

    def authorize(self, request):
        """Ask about an HTTP request. Returns its Call; None where it spends nothing. Raises NotCalled."""
        call = self._call(request)
        if call is not None:
            try:
                call.take(self._sync()[1].Authorize(call.question, timeout=self._deadline, metadata=self._metadata))
            except grpc.RpcError as error:
                self._without_decision(error)
        return call

    async def authorize_async(self, request):
        """As authorize."""
        call = self._call(request)
        if call is not None:
            try:
                stub = self._async()[1]
                call.take(await stub.Authorize(call.question, timeout=self._deadline, metadata=self._metadata))
            except grpc.RpcError as error:
                self._without_decision(error)
        return call

    def _call(self, request):
        return _Call.of(request, self._principal, self._labels, self._count_input)

    def _without_decision(self, error):
        if not (self._allows_away and error.code() in _AWAY):
            raise Undecided(error) from error
        _log.warning("no decision from Windbreak (%s), the call is made all the same", error.code().name)

    def settle(self, call, outcome, usage=None):
        """Say what a call used; without usage its estimate is charged, or nothing where it failed. Never raises."""
        report, attempts = call.report(outcome, usage), _Attempts(call, self._deadline)
        while attempts.left():
            try:
                stub = self._sync()[1]
                stub.RecordUsage(report, metadata=self._metadata, **attempts.options())
                return
            except grpc.RpcError as error:
                if not attempts.again(error):
                    return
                time.sleep(_BETWEEN_ATTEMPTS_S)

    async def settle_async(self, call, outcome, usage=None):
        """As settle, also where the task around it is being cancelled."""
        settling = asyncio.ensure_future(self._settle_async(call, outcome, usage))
        self._settling.add(settling)
        settling.add_done_callback(self._settling.discard)
        await asyncio.shield(settling)

    async def _settle_async(self, call, outcome, usage):
        report, attempts = call.report(outcome, usage), _Attempts(call, self._deadline)
        while attempts.left():
            try:
                await self._async()[1].RecordUsage(report, metadata=self._metadata, **attempts.options())
                return
            except grpc.RpcError as error:
                if not attempts.again(error):
                    return
                await asyncio.sleep(_BETWEEN_ATTEMPTS_S)


def guard(mistral, windbreak):
    """Make a client of mistralai ask Windbreak about each call. Changes the client, and returns it."""
    configuration = mistral.sdk_configuration
    if isinstance(configuration.client, _GuardedClient):
        raise ValueError("this client is guarded already")
    configuration.client = _GuardedClient(configuration.client, windbreak)
    configuration.async_client = _GuardedAsyncClient(configuration.async_client, windbreak)
    # Its live transcription and speech use sockets of their own, past the HTTP client.
    mistral.audio = _Refused("audio")
    return mistral


def bound_input_tokens(body):
    """The most tokens that a request's text and images can be: a token is at least a byte. English is about 4 bytes a token.

    Raises NotGuarded for what the request does not bound.
    """
    images = []
    for chunk in _chunks(body):
        kind = chunk.get("type")
        if kind not in _COUNTABLE_CHUNKS:
            raise NotGuarded(f"{kind}: what it comes to is not in the request; count it yourself by count_input")
        if kind == "image_url":
            images.append(chunk.get("image_url"))
    # Mistral writes tools and arguments anew, with a space after each : and , of theirs.
    text = _json(body)
    size = len(text.encode()) + text.count(":") + text.count(",") - sum(len(_json(image)) for image in images)
    an_image = _PIXTRAL_IMAGE_TOKENS if "pixtral" in body["model"] else _IMAGE_TOKENS
    return size + 8 * len(body.get("messages") or []) + 64 + an_image * len(images)


def _chunks(value):
    """Every chunk of every message's content, wherever the endpoint has its messages."""
    if isinstance(value, list):
        for inner in value:
            yield from _chunks(inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key == "content" and isinstance(inner, list):
                yield from (chunk for chunk in inner if isinstance(chunk, dict))
            else:
                yield from _chunks(inner)


def _json(value):
    return json.dumps(value, ensure_ascii=False)


class _Call:
    """One attempt: the question, what was answered, and the request that may then be sent."""

    def __init__(self, request, body, question):
        self.request, self._body, self.question = request, body, question
        # None: let through without a decision.
        self.answer = None

    @classmethod
    def of(cls, request, principal, labels, count_input):
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return None
        endpoint = next((e for path, e in _ENDPOINTS.items() if request.url.path.endswith(path)), None)
        if endpoint is None:
            raise NotGuarded(f"{request.method} {request.url.path} is not guarded, so it is not sent")
        body = json.loads(request.content)
        if not body.get("model"):
            raise NotGuarded("no model is named; name it")
        _refuse_unbounded(body)
        question = pb.AuthorizeRequest(
            request_id=uuid.uuid4().hex,
            principal=principal,
            model=body["model"],
            endpoint=endpoint,
            input_tokens=count_input(body),
            labels=labels,
        )
        if endpoint in _WITH_OUTPUT:
            cap, choices = body.get("max_tokens") or 0, body.get("n") or 1
            if choices > 1 and cap == 0:
                raise NotGuarded("n above 1 needs max_tokens; set it")
            question.max_output_tokens = cap * choices
        return cls(request, body, question)

    def take(self, answer):
        if not answer.allowed:
            raise Denied(answer)
        self.answer = answer
        self._body["model"] = answer.model
        if self.question.endpoint in _WITH_OUTPUT and not self._body.get("max_tokens"):
            self._body["max_tokens"] = answer.max_output_tokens

    def to_send(self):
        """The request with the model and the cap that were decided."""
        headers = httpx2.Headers(self.request.headers)
        # So that usage can be read as it passes.
        headers["accept-encoding"] = "identity"
        del headers["content-length"]
        content = json.dumps(self._body).encode()
        extensions = self.request.extensions
        return httpx2.Request(self.request.method, self.request.url, headers=headers, content=content, extensions=extensions)

    def report(self, outcome, usage):
        report = pb.RecordUsageRequest(outcome=outcome, usage=usage, labels=self.question.labels)
        if self.answer is not None:
            report.reservation_id = self.answer.reservation_id
            return report
        # Finds the reservation, should the question have come through; else it is charged by itself, once.
        report.request_id = self.question.request_id
        report.principal.CopyFrom(self.question.principal)
        report.model, report.endpoint = self.question.model, self.question.endpoint
        return report

    def usage_when_cut(self, output_bytes):
        if self.answer is None or output_bytes is None:
            return None
        output = min(self.answer.max_output_tokens, output_bytes + _TAIL_TOKENS)
        return pb.Usage(input_tokens=self.question.input_tokens, output_tokens=output)


def _refuse_unbounded(body):
    for field in _ADDS_INPUT:
        if body.get(field):
            raise NotGuarded(f"{field}: what it adds to the input is not in the request; leave it out")
    if body.get("service_tier") == "auto":
        raise NotGuarded('service_tier: "auto" has no price that is known before the call; leave it out')
    for tool in body.get("tools") or []:
        if tool.get("type", "function") != "function":
            raise NotGuarded(f"tools: {tool['type']} is priced by use, which nothing bounds; leave it out")


class _Attempts:
    """How long it is tried to settle a call: for a second; within one deadline where no decision stood behind it."""

    def __init__(self, call, deadline):
        self._call = call
        self._until = time.monotonic() + (_SETTLE_S if call.answer is not None else deadline)

    def left(self):
        return time.monotonic() < self._until

    def options(self):
        return {"timeout": max(0.01, self._until - time.monotonic()), "wait_for_ready": True}

    def again(self, error):
        if error.code() == grpc.StatusCode.UNAVAILABLE and time.monotonic() + _BETWEEN_ATTEMPTS_S < self._until:
            return True
        _log.warning("not settled: %s: %s: %s", self._call.question.request_id, error.code().name, error.details())
        return False


class _Meter:
    """Reads the usage out of a stream as it passes, and how many bytes of output it held."""

    def __init__(self):
        self.usage, self.output_bytes, self._line = None, 0, b""

    def feed(self, data):
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            line = line.strip()
            if line.startswith(b"data:") and line[5:].strip() != b"[DONE]":
                self._event(line[5:])

    def _event(self, data):
        try:
            event = json.loads(data)
        except ValueError:
            # Not readable is not known to be free: counted by its bytes.
            self.output_bytes += len(data)
            return
        self.usage = _usage_of(event) or self.usage
        for choice in event.get("choices") or []:
            delta = choice.get("delta") or {}
            self.output_bytes += sum(_text_bytes(value) for key, value in delta.items() if key != "role")


def _text_bytes(value):
    if isinstance(value, str):
        return len(value.encode())
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(_text_bytes(one) for one in inner)


def _usage_of(answer):
    """What Mistral says that was used; None where it says nothing."""
    usage = answer.get("usage") if isinstance(answer, dict) else None
    if not usage:
        return None
    cached = usage.get("num_cached_tokens")
    for details in ("prompt_tokens_details", "prompt_token_details"):
        if cached is None:
            cached = (usage.get(details) or {}).get("cached_tokens")
    tokens = usage.get("prompt_tokens") or 0
    return pb.Usage(
        input_tokens=tokens,
        cached_input_tokens=min(cached or 0, tokens),
        output_tokens=usage.get("completion_tokens") or 0,
    )


def _end_of(response):
    """How a call that was not streamed ended, and with what usage."""
    if response.status_code >= 400:
        return pb.OUTCOME_FAILED, None
    try:
        return pb.OUTCOME_SUCCEEDED, _usage_of(response.json())
    except ValueError:
        return pb.OUTCOME_SUCCEEDED, None


def _end_by(error):
    """How a call that was broken off ended. Mistral never had it, or it may have been answered: then the estimate."""
    never_sent = isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout))
    return pb.OUTCOME_FAILED if never_sent else pb.OUTCOME_CANCELLED


class _Stream:
    """The answer's bytes on their way to the client. It is settled when the client closes it, once."""

    def __init__(self, stream, call, windbreak):
        self._stream, self._call, self._windbreak = stream, call, windbreak
        self._meter, self._settled = _Meter(), False

    def _end(self):
        """The arguments for `settle`; None where it was settled."""
        if self._settled:
            return None
        self._settled = True
        if self._meter.usage is not None:
            return self._call, pb.OUTCOME_SUCCEEDED, self._meter.usage
        return self._call, pb.OUTCOME_CANCELLED, self._call.usage_when_cut(self._meter.output_bytes)


class _SyncStream(_Stream, httpx2.SyncByteStream):
    def __iter__(self):
        for data in self._stream:
            self._meter.feed(data)
            yield data

    def close(self):
        try:
            self._stream.close()
        finally:
            if end := self._end():
                self._windbreak.settle(*end)


class _AsyncStream(_Stream, httpx2.AsyncByteStream):
    async def __aiter__(self):
        async for data in self._stream:
            self._meter.feed(data)
            yield data

    async def aclose(self):
        try:
            await self._stream.aclose()
        finally:
            if end := self._end():
                await self._windbreak.settle_async(*end)


class _GuardedClient:
    """An HTTP client as mistralai takes one, that asks before it sends."""

    def __init__(self, client, windbreak):
        self._client, self._windbreak = client, windbreak

    def build_request(self, *args, **options):
        return self._client.build_request(*args, **options)

    def close(self):
        self._client.close()

    def send(self, request, *, stream=False, **options):
        call = self._windbreak.authorize(request)
        if call is None:
            return self._client.send(request, stream=stream, **options)
        try:
            response = self._client.send(call.to_send(), stream=stream, **options)
        except BaseException as error:
            self._windbreak.settle(call, _end_by(error))
            raise
        if stream and response.status_code < 400:
            response.stream = _SyncStream(response.stream, call, self._windbreak)
        else:
            self._windbreak.settle(call, *_end_of(response))
        return response


class _GuardedAsyncClient:
    """The same for async."""

    def __init__(self, client, windbreak):
        self._client, self._windbreak = client, windbreak

    def build_request(self, *args, **options):
        return self._client.build_request(*args, **options)

    async def aclose(self):
        await self._client.aclose()

    async def send(self, request, *, stream=False, **options):
        call = await self._windbreak.authorize_async(request)
        if call is None:
            return await self._client.send(request, stream=stream, **options)
        try:
            response = await self._client.send(call.to_send(), stream=stream, **options)
        except BaseException as error:
            await self._windbreak.settle_async(call, _end_by(error))
            raise
        if stream and response.status_code < 400:
            response.stream = _AsyncStream(response.stream, call, self._windbreak)
        else:
            await self._windbreak.settle_async(call, *_end_of(response))
        return response


class _Refused:
    """Part of a client that is not guarded."""

    def __init__(self, name):
        self._name = name

    def __getattr__(self, attribute):
        raise NotGuarded(f"{self._name}.{attribute} is not guarded, so it cannot be used")
