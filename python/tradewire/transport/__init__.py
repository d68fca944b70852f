"""Bytes in and out: WebSocket links, HTTP sessions, the event loop. Knows no venue and no strategy."""
