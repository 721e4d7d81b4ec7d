"""Asks a server what Callboard's tests tell it to, through a provider's official SDK, and says what the SDK understood.

    python clients.py anthropic | openai-chat | openai | gemini

Each line of the input is a job: `{"base_url", "key", "is_streamed", "request"}`, the request being a body as it goes
over the wire, with the model's name in it for Gemini, too. Each gives one line:

    {"text", "calls": [{"id", "name", "arguments"}], "stop", "usage": {"input", "output"}, "message"}
    {"error": {"class", "status", "kind", "message", "request_id"}}

`arguments` are JSON where they are JSON, else the text itself. `message` is the SDK's own writing of the whole
response. A stream is put together by the SDK's own code; Gemini's SDK has none for that, so its parts are joined here.
"""

import json
import sys
from typing import Any, Callable

Answer = dict[str, Any]


def parsed(arguments: str | None) -> Any:
    try:
        return json.loads(arguments or "")
    except ValueError:
        return arguments or ""


def call(id: str | None, name: str | None, arguments: Any) -> dict[str, Any]:
    return {"id": id, "name": name, "arguments": arguments}


def answer(text: str, calls: list, stop: str | None, used: tuple, message: Any) -> Answer:
    usage = {"input": used[0], "output": used[1]}
    return {"text": text, "calls": calls, "stop": stop, "usage": usage, "message": message}


def anthropic(base_url: str, key: str, is_streamed: bool, request: dict) -> Answer:
    from anthropic import Anthropic

    client = Anthropic(base_url=base_url, api_key=key, max_retries=0)
    if is_streamed:
        with client.messages.stream(**request) as stream:
            message = stream.get_final_message()
    else:
        message = client.messages.create(**request)
    text = "".join(block.text for block in message.content if block.type == "text")
    calls = [call(block.id, block.name, block.input) for block in message.content if block.type == "tool_use"]
    used = (message.usage.input_tokens, message.usage.output_tokens)
    return answer(text, calls, message.stop_reason, used, message.to_dict(mode="json"))


def openai_chat(base_url: str, key: str, is_streamed: bool, request: dict) -> Answer:
    from openai import OpenAI
    from openai.lib.streaming.chat import ChatCompletionStreamState

    client = OpenAI(base_url=base_url, api_key=key, max_retries=0)
    if is_streamed:
        # Not `completions.stream`: it takes strict tools alone.
        state = ChatCompletionStreamState()
        for chunk in client.chat.completions.create(stream=True, **request):
            state.handle_chunk(chunk)
        # Not `get_final_completion`: it raises for a response that was cut off.
        completion = state.current_completion_snapshot
    else:
        completion = client.chat.completions.create(**request)
    choice = completion.choices[0]
    calls = [
        call(one.id, one.function.name, parsed(one.function.arguments))
        if one.type == "function"
        else call(one.id, one.custom.name, one.custom.input)
        for one in choice.message.tool_calls or []
    ]
    used = (completion.usage.prompt_tokens, completion.usage.completion_tokens) if completion.usage else (None, None)
    return answer(choice.message.content or "", calls, choice.finish_reason, used, completion.to_dict(mode="json"))


def openai_responses(base_url: str, key: str, is_streamed: bool, request: dict) -> Answer:
    from openai import OpenAI

    client = OpenAI(base_url=base_url, api_key=key, max_retries=0)
    if is_streamed:
        # Each event's item is kept, and compared with the response that ends the stream.
        items, response = {}, None
        with client.responses.stream(**request) as stream:
            for event in stream:
                if event.type == "response.output_item.done":
                    items[event.output_index] = event.item.to_dict(mode="json")
                elif event.type in ("response.completed", "response.incomplete", "response.failed"):
                    response = event.response
        if response is None:
            raise EOFError("the stream has no last event")
        whole = [item.to_dict(mode="json") for item in response.output]
        without_parsed(whole)
        # An item that a limit cut off may be there without its end.
        is_cut = response.status == "incomplete"
        expected = [items.get(index, item if is_cut else None) for index, item in enumerate(whole)]
        if whole != expected or len(items) > len(whole):
            raise ValueError("the items of the stream are not those of the response that ends it")
    else:
        response = client.responses.create(**request)
    calls = [
        call(item.call_id, item.name, parsed(item.arguments))
        if item.type == "function_call"
        else call(item.call_id, item.name, item.input)
        for item in response.output
        if item.type in ("function_call", "custom_tool_call")
    ]
    used = (response.usage.input_tokens, response.usage.output_tokens) if response.usage else (None, None)
    message = response.to_dict(mode="json")
    without_parsed(message["output"])
    return answer(response.output_text, calls, response.status, used, message)


def without_parsed(items: list) -> None:
    """Takes out what the SDK's stream adds to items and no API knows."""
    for item in items:
        item.pop("parsed_arguments", None)
        for part in item.get("content") or []:
            part.pop("parsed", None)


def gemini(base_url: str, key: str, is_streamed: bool, request: dict) -> Answer:
    from google import genai
    from google.genai import types

    client = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=base_url))
    rest = {field: value for field, value in request.items() if field not in ("model", "contents", "generationConfig")}
    config = types.GenerateContentConfig.model_validate(rest | request.get("generationConfig", {}))
    config.automatic_function_calling = types.AutomaticFunctionCallingConfig(disable=True)
    contents = [types.Content.model_validate(content) for content in request["contents"]]
    asked = {"model": request["model"], "contents": contents, "config": config}
    if is_streamed:
        chunks = list(client.models.generate_content_stream(**asked))
    else:
        chunks = [client.models.generate_content(**asked)]
    candidates = [chunk.candidates[0] for chunk in chunks if chunk.candidates]
    parts = [part for candidate in candidates if candidate.content for part in candidate.content.parts or []]
    text = "".join(part.text for part in parts if part.text and not part.thought)
    calls = [
        call(part.function_call.id, part.function_call.name, part.function_call.args or {})
        for part in parts
        if part.function_call
    ]
    reasons = [candidate.finish_reason.value for candidate in candidates if candidate.finish_reason]
    usage = next((chunk.usage_metadata for chunk in reversed(chunks) if chunk.usage_metadata), None)
    used = (usage.prompt_token_count, usage.candidates_token_count) if usage else (None, None)
    content = types.Content(role="model", parts=parts)
    reason = reasons[-1] if reasons else None
    message = {"candidates": [{"content": written(content), "finishReason": reason}]}
    return answer(text, calls, reason, used, message)


def written(model: Any) -> Any:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


FORMATS: dict[str, Callable[..., Answer]] = {
    "anthropic": anthropic,
    "openai-chat": openai_chat,
    "openai": openai_responses,
    "gemini": gemini,
}


def error(raised: Exception) -> Answer:
    """Says what an SDK raised: each has names of its own for the same things."""

    def first(*names: str) -> Any:
        return next((value for name in names if (value := getattr(raised, name, None)) is not None), None)

    http = getattr(raised, "status_code", None) or getattr(raised, "code", None)
    return {
        "error": {
            "class": type(raised).__name__,
            "status": http if isinstance(http, int) else None,
            "kind": first("type", "status"),
            "message": first("api_message", "message") or str(raised),
            "request_id": first("request_id"),
        }
    }


def main() -> None:
    ask = FORMATS[sys.argv[1]]
    for line in sys.stdin:
        job = json.loads(line)
        # The SDKs put it there by themselves.
        job["request"].pop("stream", None)
        try:
            told = ask(job["base_url"], job["key"], job["is_streamed"], job["request"])
        except Exception as raised:  # Whatever an SDK raises is what a test wants to know.
            told = error(raised)
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
