"""Call Mistral under a sidecar beyond this machine: over TLS, proving who calls by an API key. Prints two JSON lines.

The key comes from WINDBREAK_KEY, and from WINDBREAK_CA the certificate of the authority that vouches for the sidecar.
"""

import asyncio
import json
import os
import pathlib

import grpc
from mistralai.client import Mistral
from windbreak_mistral import Undecided, Windbreak, guard

MESSAGES = [{"role": "user", "content": "Count to three in French."}]


def guarded(credential):
    tls = grpc.ssl_channel_credentials(pathlib.Path(os.environ["WINDBREAK_CA"]).read_bytes())
    windbreak = Windbreak(os.environ["WINDBREAK"], credential=credential, tls=tls, deadline=10)
    return windbreak, guard(Mistral(api_key="any", server_url=os.environ["MISTRAL_URL"]), windbreak)


async def main():
    windbreak, mistral = guarded(os.environ["WINDBREAK_KEY"])
    windbreak.connect()
    await windbreak.connect_async()
    mistral.chat.complete(model="mistral-small-latest", messages=MESSAGES, max_tokens=10)
    await mistral.chat.complete_async(model="mistral-small-latest", messages=MESSAGES, max_tokens=10)
    print(json.dumps({"answered": 2}))
    windbreak.close()
    await windbreak.aclose()
    try:
        guarded(None)[1].chat.complete(model="mistral-small-latest", messages=MESSAGES)
    except Undecided as undecided:
        print(json.dumps({"no_decision": undecided.code.name}))


asyncio.run(main())
