"""Writes JSON Schemas of what the providers take and give, from the types of their official SDKs.

    python schemas.py FOLDER

For each format, the folder then holds `FORMAT.request.json` and `FORMAT.request.stream.json` (a request's body),
`FORMAT.response.json` (a whole response) and `FORMAT.event.json` (the data of one event of a stream).

The SDKs check nothing of this themselves: their parameters are typed dictionaries whose lists pydantic walks only
when somebody iterates over them, and whose unknown keys it passes over. A schema of the same types is checked whole.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from anthropic.types import Message, RawMessageStreamEvent
from anthropic.types import message_create_params as anthropic_params
from google.genai import types as gemini
from openai.types import chat
from openai.types.chat import completion_create_params as chat_params
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.responses import response_create_params as responses_params
from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.alias_generators import to_camel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema


class GeminiRequest(BaseModel):
    """The body of `generateContent`. The SDK has types for its fields and builds the whole by hand."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")

    contents: list[gemini.Content]
    system_instruction: gemini.Content = None
    tools: list[gemini.Tool] = None
    tool_config: gemini.ToolConfig = None
    generation_config: gemini.GenerationConfig = None
    continuation_token: str = None


def continued(params: type) -> type:
    """Chat Completions whose messages may also be what the API itself said, as OpenAI's guides put it back.

    The type of a request's assistant message lacks `annotations`, which every response has.
    """

    class Continued(params):
        messages: Iterable[chat.ChatCompletionMessageParam | chat.ChatCompletionMessage]

    return Continued


REQUESTS = {
    "anthropic.request": anthropic_params.MessageCreateParamsNonStreaming,
    "anthropic.request.stream": anthropic_params.MessageCreateParamsStreaming,
    "openai-chat.request": continued(chat_params.CompletionCreateParamsNonStreaming),
    "openai-chat.request.stream": continued(chat_params.CompletionCreateParamsStreaming),
    "openai.request": responses_params.ResponseCreateParamsNonStreaming,
    "openai.request.stream": responses_params.ResponseCreateParamsStreaming,
    "gemini.request": GeminiRequest,
    "gemini.request.stream": GeminiRequest,
}

# What a server gives may hold fields that an SDK doesn't know yet, so these stay open.
RESPONSES = {
    "anthropic.response": Message,
    "anthropic.event": RawMessageStreamEvent,
    "openai-chat.response": chat.ChatCompletion,
    "openai-chat.event": chat.ChatCompletionChunk,
    "openai.response": Response,
    "openai.event": ResponseStreamEvent,
    "gemini.response": gemini.GenerateContentResponse,
    "gemini.event": gemini.GenerateContentResponse,
}


class Tight(GenerateJsonSchema):
    """Closes every object, so that a key that its type doesn't list is a fault."""

    def typed_dict_schema(self, schema: core_schema.TypedDictSchema) -> JsonSchemaValue:
        # A few of these say by themselves that others may come: a tool's own schema, for one.
        return {"additionalProperties": False} | super().typed_dict_schema(schema)

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        return super().model_schema(schema) | {"additionalProperties": False}


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, kind in (REQUESTS | RESPONSES).items():
        generator = Tight if name in REQUESTS else GenerateJsonSchema
        schema = TypeAdapter(kind).json_schema(by_alias=True, schema_generator=generator)
        (folder / f"{name}.json").write_text(json.dumps(schema), encoding="utf-8")


if __name__ == "__main__":
    main()
