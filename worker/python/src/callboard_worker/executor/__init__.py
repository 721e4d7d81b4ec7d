"""The shell around the core: reads what the link brings, runs tools, and says what the core wants said."""
