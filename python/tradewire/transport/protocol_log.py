"""The logger that the `websockets` library is given in place of its own. Nothing of ours is logged there.

At DEBUG the library writes every header of the upgrade request and every message, with the keys in them.
"""

from __future__ import annotations

import logging

__all__ = ["PROTOCOL_LOG"]

PROTOCOL_LOG = logging.getLogger("tradewire.transport.protocol")
PROTOCOL_LOG.setLevel(logging.INFO)
