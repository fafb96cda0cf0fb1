"""A load from its sources to its account: the plan, the chunks, the end."""
