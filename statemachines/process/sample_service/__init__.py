"""A small web service that embeds the process: a request starts it, waits, and answers what came of it."""
