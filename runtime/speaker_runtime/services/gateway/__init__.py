"""A service with no model of its own: it knows others, chooses one, and hands requests on."""
