"""Decisions about connections, as pure functions of their inputs: clock and randomness are passed in."""
