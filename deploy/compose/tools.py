"""A tool in Python, to see two languages in one turn."""

from callboard_worker import tool


@tool(effect="read")
def count_words(text: str) -> dict[str, int]:
    """Counts the words of a text."""
    return {"words": len(text.split())}
