"""Placeholder replaced by the auth room."""

from __future__ import annotations
