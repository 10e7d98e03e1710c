"""Call a server as Mistral's own Python client does, and print one JSON line for each call.

Usage: mistral_calls.py URL MODEL EMBEDDING_MODEL; the key comes from MISTRAL_API_KEY.
A line is {"call": ..., "text"|"vectors"|"status"|..., "total_tokens": ...}.
"""

import json
import os
import sys

from mistralai.client import Mistral
from mistralai.client.errors import MistralError

MESSAGES = [{"role": "user", "content": "Count to three in French."}]


def complete(client, model, _):
    answer = client.chat.complete(model=model, messages=MESSAGES, max_tokens=16)
    return {"text": answer.choices[0].message.content, "total_tokens": answer.usage.total_tokens}


def stream(client, model, _):
    text, total = "", None
    with client.chat.stream(model=model, messages=MESSAGES, max_tokens=16) as events:
        for event in events:
            text += event.data.choices[0].delta.content or ""
            if event.data.usage:
                total = event.data.usage.total_tokens
    return {"text": text, "total_tokens": total}


def embed(client, _, model):
    answer = client.embeddings.create(model=model, inputs=["un", "deux"])
    return {"vectors": len(answer.data), "total_tokens": answer.usage.total_tokens}


def main():
    url, model, embedding_model = sys.argv[1:4]
    with Mistral(api_key=os.environ["MISTRAL_API_KEY"], server_url=url) as client:
        for call in (complete, stream, embed):
            try:
                result = call(client, model, embedding_model)
            except MistralError as error:
                result = {"status": error.status_code, "body": error.body}
            print(json.dumps({"call": call.__name__, **result}), flush=True)


main()
