"""An agent on Anthropic's SDK whose tools run on Callboard: python anthropic_agent.py MODEL "How are my orders?" """

import sys

from anthropic import Anthropic

import callboard_tools

model, task = sys.argv[1:]
client = Anthropic()
tools = [
    {"name": tool["name"], "description": tool["description"], "input_schema": tool["input_schema"]}
    for tool in callboard_tools.tools()
]
messages = [{"role": "user", "content": task}]
while True:
    response = client.messages.create(model=model, max_tokens=4096, tools=tools, messages=messages)
    messages.append({"role": "assistant", "content": response.to_dict(mode="json")["content"]})
    if response.stop_reason != "tool_use":
        break
    # One line instead of a loop over the calls: one message comes back, with a result for each of them.
    messages.append(callboard_tools.execute("anthropic", response.to_json()))
print("".join(block.text for block in response.content if block.type == "text"))
