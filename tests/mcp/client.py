"""Calls tools through the official Python client and prints what it understood.

Standard input: ``{"command": [...], "env": {...}}`` or ``{"url": "..."}``, each with ``"calls": [[tool, arguments], ...]``.
Standard output: ``{"tools": [names], "results": [CallToolResult, ...]}``, as the protocol writes them.
"""

import asyncio
import json
import sys

from mcp import Client, StdioServerParameters


async def main() -> None:
    order = json.load(sys.stdin)
    if "url" in order:
        server = order["url"]
    else:
        program, *arguments = order["command"]
        server = StdioServerParameters(command=program, args=arguments, env=order.get("env"))
    async with Client(server) as client:
        tools = await client.list_tools()
        results = []
        for tool, arguments in order["calls"]:
            result = await client.call_tool(tool, arguments)
            results.append(result.model_dump(mode="json", by_alias=True, exclude_none=True))
        names = [tool.name for tool in tools.tools]
        print(json.dumps({"tools": names, "results": results}))


asyncio.run(main())
