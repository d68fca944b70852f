"""TLS settings for every client connection. There is no switch to turn verification off."""

from __future__ import annotations

import ssl
from functools import cache

__all__ = ["tls_context"]


@cache
def tls_context() -> ssl.SSLContext:
    """TLS 1.2 or newer, certificate and host name verified; shared, and made only when a link needs it."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
