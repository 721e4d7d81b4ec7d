"""An agent on Google's SDK whose tools run on Callboard: python gemini_agent.py MODEL "How are my orders?" """

import os
import sys

from google import genai
from google.genai import types

import callboard_tools

model, task = sys.argv[1:]
options = types.HttpOptions(base_url=os.environ.get("GEMINI_BASE_URL"))
client = genai.Client(api_key=os.environ["GEMINI_API_KEY"], http_options=options)
declarations = [
    types.FunctionDeclaration(name=tool["name"], description=tool["description"], parameters_json_schema=tool["input_schema"])
    for tool in callboard_tools.tools()
]
config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=declarations)])
contents = [types.Content(role="user", parts=[types.Part(text=task)])]
while True:
    response = client.models.generate_content(model=model, contents=contents, config=config)
    contents.append(response.candidates[0].content)
    if not response.function_calls:
        break
    # One line instead of a loop over the calls: one content comes back, with a response to each of them.
    sent = response.model_dump_json(by_alias=True, exclude_none=True)
    contents.append(types.Content.model_validate(callboard_tools.execute("gemini", sent)))
print(response.text)
