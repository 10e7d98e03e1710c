"""What a request is bounded by, and what is read out of an answer as it passes."""

import json
import unittest

from windbreak_mistral import NotGuarded, _Meter, _usage_of, bound_input_tokens


def body(content, **more):
    return {"model": "mistral-small-latest", "messages": [{"role": "user", "content": content}], **more}


def image(url):
    return {"type": "image_url", "image_url": url}


class Bound(unittest.TestCase):
    def test_a_byte_is_a_token_in_any_script(self):
        for text in ("", "a" * 1000, "Élan 🌞 中文" * 50, '"\\\n' * 100):
            self.assertGreaterEqual(bound_input_tokens(body(text)), len(text.encode()) + 72)

    def test_an_image_counts_as_one_whatever_its_size(self):
        small, large = (bound_input_tokens(body([image("data:image/png;base64," + "A" * size)])) for size in (10, 10_000))
        self.assertEqual(small, large)
        self.assertGreater(bound_input_tokens(body([image("x")] * 3)), 3 * 3080)
        self.assertGreater(bound_input_tokens({**body([image("x")]), "model": "pixtral-12b-2409"}), 4160)

    def test_what_only_looks_like_an_image_is_counted_by_its_bytes(self):
        tool = {"type": "function", "function": {"name": "f", "parameters": {"image_url": "A" * 5000}}}
        self.assertGreater(bound_input_tokens(body("x", tools=[tool])), 5000)
        self.assertGreater(bound_input_tokens(body([{"type": "text", "text": "x", "image_url": "A" * 5000}])), 5000)

    def test_arguments_have_room_for_the_spaces_that_mistral_adds(self):
        arguments = json.dumps({"ids": list(range(100))}, separators=(",", ":"))
        call = {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": arguments}}]}
        bound = bound_input_tokens({"model": "m", "messages": [call]})
        self.assertGreaterEqual(bound, len(json.dumps(json.loads(arguments))))

    def test_what_the_request_does_not_bound_is_refused(self):
        for kind in ("document_url", "file", "input_audio", "anything new", None):
            with self.assertRaises(NotGuarded):
                bound_input_tokens(body([{"type": kind}]))

    def test_texts_to_embed_are_counted(self):
        self.assertGreater(bound_input_tokens({"model": "mistral-embed", "input": ["a" * 500, "b" * 500]}), 1000)


class Metering(unittest.TestCase):
    STREAM = (
        'data: {"choices":[{"delta":{"role":"assistant","content":"été"}}]}\r\n\r\n'
        'data: {"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}}]}\n\n'
        'data: {"choices":[{"delta":{"content":""}}],"usage":{"prompt_tokens":7,"completion_tokens":2}}\n\ndata: [DONE]\n\n'
    ).encode()

    def test_is_the_same_wherever_the_bytes_are_split(self):
        for size in (1, 2, 3, 7, len(self.STREAM)):
            meter = _Meter()
            for at in range(0, len(self.STREAM), size):
                meter.feed(self.STREAM[at : at + size])
            self.assertEqual((meter.usage.input_tokens, meter.usage.output_tokens, meter.output_bytes), (7, 2, 8))

    def test_counts_what_it_cannot_read_by_its_bytes(self):
        meter = _Meter()
        meter.feed(b"data: {broken\n\n")
        self.assertEqual((meter.usage, meter.output_bytes), (None, 8))


class Usage(unittest.TestCase):
    def cached(self, **usage):
        return _usage_of({"usage": {"prompt_tokens": 100, **usage}}).cached_input_tokens

    def test_reads_cached_tokens_under_each_of_their_names(self):
        self.assertEqual(self.cached(num_cached_tokens=64), 64)
        self.assertEqual(self.cached(prompt_tokens_details={"cached_tokens": 64}), 64)
        self.assertEqual(self.cached(prompt_token_details={"cached_tokens": 64}), 64)
        self.assertEqual(self.cached(num_cached_tokens=0, prompt_tokens_details={"cached_tokens": 64}), 0)
        self.assertEqual(self.cached(prompt_tokens_details=None), 0)

    def test_takes_no_more_of_them_than_there_are_tokens(self):
        self.assertEqual(self.cached(num_cached_tokens=500), 100)

    def test_is_nothing_where_nothing_is_said(self):
        for answer in ({}, {"usage": None}, [], "x"):
            self.assertIsNone(_usage_of(answer))


unittest.main()
