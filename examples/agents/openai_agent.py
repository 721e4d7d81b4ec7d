"""An agent on OpenAI's SDK whose tools run on Callboard: python openai_agent.py MODEL "How are my orders?" """

import sys

from openai import OpenAI

import callboard_tools

model, task = sys.argv[1:]
client = OpenAI()
tools = [
    {"type": "function", "name": tool["name"], "description": tool["description"], "parameters": tool["input_schema"], "strict": False}
    for tool in callboard_tools.tools()
]
conversation = [{"role": "user", "content": task}]
while True:
    response = client.responses.create(model=model, tools=tools, input=conversation)
    conversation += response.to_dict(mode="json")["output"]
    if not any(item.type == "function_call" for item in response.output):
        break
    # One line instead of a loop over the calls: an item with the result of each of them comes back.
    conversation += callboard_tools.execute("openai", response.to_json())
print(response.output_text)
