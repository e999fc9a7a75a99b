"""What clients of OpenAI's API do, done with its own package against a daemon. Usage: test-openai.py BASE-URL TOKEN"""
import sys

import openai

base, token = sys.argv[1:]
client = openai.OpenAI(base_url=base, api_key=token, max_retries=0)
ANSWER = "The fog has its own opinions [page 012]."
ask = [{"role": "system", "content": "You are a pirate."}, {"role": "user", "content": "What about the fog?"}]


def refused(kind, **wishes):
    """The error that a request must end with."""
    try:
        client.chat.completions.create(**{"model": "london-fox@012", "messages": ask, **wishes})
    except kind as error:
        return error
    raise AssertionError(f"not refused with {kind.__name__}: {wishes}")


models = [model.id for model in client.models.list()]
assert "london-fox" in models and len(models) == 16, models
assert client.models.retrieve("london-fox@012").id == "london-fox@012"

whole = client.chat.completions.create(model="london-fox@012", messages=ask, temperature=0.5, max_tokens=50)
assert whole.choices[0].message.content == ANSWER and whole.choices[0].message.role == "assistant", whole
assert whole.choices[0].finish_reason == "stop" and whole.model == "london-fox@012", whole
# The story-teller counts the words and marks that it was sent: a persona and pages, and not the question alone.
read = whole.usage.prompt_tokens
assert read > 500 and (whole.usage.completion_tokens, whole.usage.total_tokens) == (7, read + 7), whole.usage

chunks = list(client.chat.completions.create(
    model="london-fox@012", messages=ask, stream=True, stream_options={"include_usage": True}))
told = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
assert "".join(told) == ANSWER and len(told) == 7, told
assert chunks[0].choices[0].delta.role == "assistant"
assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens == read + 7, chunks[-1]
assert all(chunk.usage is None for chunk in chunks[:-1])

with client.chat.completions.stream(model="london-fox@012", messages=[
    {"role": "user", "content": [{"type": "text", "text": "Who are you?"}]},
    {"role": "assistant", "content": "Guess."},
    {"role": "user", "content": "What about the fog?"},
]) as stream:
    stream.until_done()
    assert stream.get_final_completion().choices[0].message.content == ANSWER

missing = refused(openai.NotFoundError, model="gpt-4o")
assert missing.code == "model_not_found" and missing.param == "model" and "london-fox" in missing.message, missing
assert refused(openai.NotFoundError, model="london-fox@999").code == "model_not_found"
assert refused(openai.BadRequestError, n=2).param == "n"
assert refused(openai.BadRequestError, tool_choice="required").param == "tool_choice"
assert refused(openai.BadRequestError, response_format={"type": "json_object"}).param == "response_format"
assert refused(openai.BadRequestError, messages=[]).param == "messages"
stranger = openai.OpenAI(base_url=base, api_key="wrong", max_retries=0)
try:
    stranger.models.list()
    raise AssertionError("a stranger was let in")
except openai.AuthenticationError as error:
    assert error.code == "invalid_api_key", error
print(f"ok       openai {openai.__version__}: models, whole answers, streams, usage, history, errors")
