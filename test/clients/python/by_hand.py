"""Call Mistral under Windbreak, by hand: ask, call, settle. Prints one JSON line for each of its scenarios.

Addresses come from WINDBREAK, WINDBREAK_STORE_AWAY (its Redis is down), WINDBREAK_AWAY (nobody listens) and MISTRAL_URL.
"""

import json
import os
from contextlib import closing

import grpc
from mistralai.client import Mistral
from windbreak.v1 import policy_decision_pb2 as pb
from windbreak.v1 import policy_decision_pb2_grpc as rpc

DEADLINE_S = int(os.environ.get("WINDBREAK_DEADLINE_MS", "100")) / 1000
MODEL = "mistral-small-latest"
CAP = 100


class Denied(Exception):
    def __init__(self, answer):
        super().__init__(answer.message)
        self.answer = answer


class Windbreak:
    """A sidecar, and as whom it is asked. `fail_open`: call Mistral also where the sidecar is away."""

    def __init__(self, target, principal, role, fail_open=False):
        channel = grpc.insecure_channel(target)
        # Connects at once, so that the first call's deadline is not spent on it.
        channel.subscribe(lambda _: None, try_to_connect=True)
        self.stub = rpc.PolicyDecisionServiceStub(channel)
        self.principal = pb.Principal(id=principal, role=role, workspace="dev")
        self.fail_open = fail_open

    def authorize(self, model, endpoint, input_tokens, max_output_tokens=0):
        """What may be sent: the answer's model and max_output_tokens. Raises Denied, or RpcError: do not call then."""
        question = pb.AuthorizeRequest(
            principal=self.principal,
            model=model,
            endpoint=endpoint,
            input_tokens=input_tokens,
            max_output_tokens=max_output_tokens,
        )
        try:
            answer = self.stub.Authorize(question, timeout=DEADLINE_S)
        except grpc.RpcError as error:
            is_away = error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
            if not (self.fail_open and is_away):
                raise
            return pb.AuthorizeResponse(model=model, max_output_tokens=max_output_tokens)
        if not answer.allowed:
            raise Denied(answer)
        return answer

    def record(self, answer, usage=None, outcome=pb.OUTCOME_SUCCEEDED):
        """Settle, and return what the call cost, in nano-USD."""
        if not answer.reservation_id:
            return None
        report = pb.RecordUsageRequest(reservation_id=answer.reservation_id, usage=usage, outcome=outcome)
        return self.stub.RecordUsage(report, timeout=1).cost_nano_usd


def bound(text):
    """The most tokens that a question of one message can be: a token is at least a byte."""
    return len(text.encode()) + 8 + 64


def usage_of(usage):
    cached = getattr(usage, "num_cached_tokens", None) or 0
    return pb.Usage(
        input_tokens=usage.prompt_tokens, cached_input_tokens=cached, output_tokens=usage.completion_tokens
    )


def complete(windbreak, mistral, text="Count to three in French.", model=MODEL, cap=CAP):
    answer = windbreak.authorize(model, pb.ENDPOINT_CHAT_COMPLETIONS, bound(text), cap)
    try:
        messages = [{"role": "user", "content": text}]
        completion = mistral.chat.complete(model=answer.model, messages=messages, max_tokens=answer.max_output_tokens)
    except Exception:
        windbreak.record(answer, outcome=pb.OUTCOME_FAILED)
        raise
    cost = windbreak.record(answer, usage_of(completion.usage))
    return {"text": completion.choices[0].message.content, "cost_nano_usd": cost}


def stream(windbreak, mistral, text="Count to three in French.", pieces=None):
    """`pieces`: after how many of them it is broken off."""
    asked = bound(text)
    answer = windbreak.authorize(MODEL, pb.ENDPOINT_CHAT_COMPLETIONS, asked, CAP)
    said, usage, outcome = [], None, pb.OUTCOME_FAILED
    try:
        messages = [{"role": "user", "content": text}]
        events = mistral.chat.stream(model=answer.model, messages=messages, max_tokens=answer.max_output_tokens)
        with closing(events):
            # Usage comes in the last piece alone: what is cut is charged by what was seen, and what may be under way.
            outcome = pb.OUTCOME_CANCELLED
            for event in events:
                said.append(event.data.choices[0].delta.content)
                output = min(answer.max_output_tokens, len("".join(said).encode()) + 64)
                usage = pb.Usage(input_tokens=asked, output_tokens=output)
                if event.data.usage:
                    usage, outcome = usage_of(event.data.usage), pb.OUTCOME_SUCCEEDED
                if len(said) == pieces:
                    break
    finally:
        cost = windbreak.record(answer, usage, outcome)
    return {"text": "".join(said), "cost_nano_usd": cost}


def embed(windbreak, mistral, text="un"):
    answer = windbreak.authorize("mistral-embed", pb.ENDPOINT_EMBEDDINGS, bound(text))
    try:
        vectors = mistral.embeddings.create(model=answer.model, inputs=[text])
    except Exception:
        windbreak.record(answer, outcome=pb.OUTCOME_FAILED)
        raise
    cost = windbreak.record(answer, usage_of(vectors.usage))
    return {"vectors": len(vectors.data), "cost_nano_usd": cost}


def tell(scenario, call, *args, **options):
    try:
        result = call(*args, **options)
    except Denied as denied:
        answer = denied.answer
        wait = answer.retry_after.seconds if answer.HasField("retry_after") else None
        result = {"reason": pb.Reason.Name(answer.reason), "http_status": answer.http_status, "retry_after_s": wait}
    except grpc.RpcError as error:
        result = {"no_decision": error.code().name}
    print(json.dumps({"scenario": scenario, **result}), flush=True)


def main():
    sidecar, away = os.environ["WINDBREAK"], os.environ["WINDBREAK_AWAY"]
    ada = Windbreak(sidecar, "ada", "crew")
    with Mistral(api_key="any", server_url=os.environ["MISTRAL_URL"]) as mistral:
        tell("complete", complete, ada, mistral)
        tell("stream", stream, ada, mistral)
        tell("embed", embed, ada, mistral)
        tell("cancel", stream, ada, mistral, "Count to a million in French.", pieces=1)
        tell("model not allowed", complete, ada, mistral, model="codestral-latest")
        tell("too large", complete, ada, mistral, cap=5000)
        hasty = Windbreak(sidecar, "bob", "hasty")
        tell("within the rate", complete, hasty, mistral)
        tell("rate limited", complete, hasty, mistral)
        tell("budget", complete, Windbreak(sidecar, "cleo", "poor"), mistral)
        tell("store away", complete, Windbreak(os.environ["WINDBREAK_STORE_AWAY"], "ada", "crew"), mistral)
        tell("sidecar away", complete, Windbreak(away, "ada", "crew"), mistral)
        tell("fail open", complete, Windbreak(away, "ada", "crew", fail_open=True), mistral)


main()
