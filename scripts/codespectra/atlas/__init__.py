"""The atlas: pages on every unit and direction, which open from a folder without a server."""
