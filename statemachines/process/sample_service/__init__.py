"""A small web service that embeds the process: a request starts it, waits for it, and returns its result."""
