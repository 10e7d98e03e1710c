"""Call Mistral by its own client, guarded by windbreak_mistral.py. Prints one JSON line for each of its scenarios.

Usage: wrapped.py sync|async; addresses come from the environment, as for by_hand.py.
"""

import asyncio
import inspect
import json
import os
import sys

import httpx2
from mistralai.client import Mistral
from mistralai.client.utils import BackoffStrategy, RetryConfig
from windbreak_mistral import Denied, NotGuarded, Undecided, Windbreak, guard

DEADLINE_S = int(os.environ.get("WINDBREAK_DEADLINE_MS", "100")) / 1000
QUICKLY = RetryConfig("backoff", BackoffStrategy(1, 10, 1, 10_000, jitter_ms=0), False)


def question(text="Count to three in French.", **more):
    return {"model": "mistral-small-latest", "messages": [{"role": "user", "content": text}], "max_tokens": 100, **more}


def guarded(address, principal, role, mistral=os.environ["MISTRAL_URL"], **options):
    windbreak = Windbreak(
        os.environ[address], principal=principal, role=role, workspace="dev", deadline=DEADLINE_S, **options
    )
    return guard(Mistral(api_key="any", server_url=mistral), windbreak)


class Sync:
    """What a program of yours does."""

    async def complete(self, client, **request):
        answer = client.chat.complete(**question(**request))
        return {"text": answer.choices[0].message.content}

    async def stream(self, client, pieces=None, **request):
        said = []
        with client.chat.stream(**question(**request)) as events:
            for event in events:
                said.append(event.data.choices[0].delta.content)
                if len(said) == pieces:
                    break
        return {"text": "".join(said)}

    async def give_up(self, client, **request):
        return await self.complete(client, timeout_ms=300, **request)

    async def embed(self, client):
        return {"vectors": len(client.embeddings.create(model="mistral-embed", inputs=["un"]).data)}


class Async:
    """The same where it is async."""

    async def complete(self, client, **request):
        answer = await client.chat.complete_async(**question(**request))
        return {"text": answer.choices[0].message.content}

    async def stream(self, client, pieces=None, **request):
        said = []
        async with await client.chat.stream_async(**question(**request)) as events:
            async for event in events:
                said.append(event.data.choices[0].delta.content)
                if len(said) == pieces:
                    break
        return {"text": "".join(said)}

    async def give_up(self, client, **request):
        return await asyncio.wait_for(self.complete(client, **request), 0.3)

    async def embed(self, client):
        return {"vectors": len((await client.embeddings.create_async(model="mistral-embed", inputs=["un"])).data)}


async def tell(scenario, call, *args, **options):
    try:
        result = call(*args, **options)
        result = await result if inspect.isawaitable(result) else result
    except Denied as denied:
        result = {"reason": denied.reason, "http_status": denied.http_status, "retry_after_s": denied.retry_after}
    except Undecided as undecided:
        result = {"no_decision": undecided.code.name}
    except NotGuarded as refusal:
        result = {"not_guarded": str(refusal)}
    except (httpx2.TransportError, TimeoutError) as error:
        result = {"broken": type(error).__name__}
    print(json.dumps({"scenario": scenario, **result}), flush=True)


async def main():
    does = Async() if sys.argv[1] == "async" else Sync()
    ada = guarded("WINDBREAK", "ada", "crew")
    await tell("complete", does.complete, ada)
    await tell("stream", does.stream, ada)
    await tell("embed", does.embed, ada)
    counting = guarded("WINDBREAK", "ada", "crew", count_input=lambda body: 101)
    await tell("cancel", does.stream, counting, text="Count to a million in French.", pieces=1)
    await tell("retried", does.complete, ada, text="Flaky.", retries=QUICKLY)
    # Mistral never had it, may have answered it, and broke off in the middle.
    await tell("mistral away", does.complete, guarded("WINDBREAK", "ada", "crew", mistral="http://127.0.0.1:1"))
    await tell("cut", does.complete, counting, text="Break off.")
    await tell("cut midway", does.stream, counting, text="Break midway.")
    await tell("given up", does.give_up, counting, text="Say nothing.")
    # The answer's cap is sent where the call names none.
    await tell("no cap", does.complete, ada, max_tokens=None)
    await tell("model not allowed", does.complete, ada, model="codestral-latest")
    await tell("too large", does.complete, ada, max_tokens=5000)
    hasty = guarded("WINDBREAK", "bob", "hasty")
    await tell("within the rate", does.complete, hasty)
    # A denial is not retried.
    await tell("rate limited", does.complete, hasty, retries=QUICKLY)
    await tell("budget", does.complete, guarded("WINDBREAK", "cleo", "poor"))
    await tell("store away", does.complete, guarded("WINDBREAK_STORE_AWAY", "ada", "crew"))
    await tell("sidecar away", does.complete, guarded("WINDBREAK_AWAY", "ada", "crew"))
    await tell("fail open", does.stream, guarded("WINDBREAK_AWAY", "ada", "crew", away="allow"), text="Slowly, please.")
    await tell("denied though open", does.complete, guarded("WINDBREAK", "cleo", "poor", away="allow"))
    await unguarded(ada)


async def unguarded(client):
    """What is not guarded is not sent."""
    await tell("agents", client.agents.complete, agent_id="ag_1", messages=question()["messages"])
    await tell("conversations", client.beta.conversations.start, model="mistral-small-latest", inputs="un")
    document = {"type": "document_url", "document_url": "https://a.example/a.pdf"}
    await tell("ocr", client.ocr.process, model="mistral-ocr-latest", document=document)
    await tell("audio", lambda: client.audio.transcriptions)
    await tell("a document", client.chat.complete, **question([{"type": "text", "text": "Sum up."}, document]))
    await tell("a built-in tool", client.chat.complete, **question(tools=[{"type": "image_generation"}]))
    await tell("safe prompt", client.chat.complete, **question(safe_prompt=True))
    models = client.models.list()
    await tell("models", lambda: {"models": [model.id for model in models.data]})


asyncio.run(main())
