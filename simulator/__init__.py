"""A local WhatsApp Cloud API for tests, demonstrations and measurements.

A separate process with its own implementation of Meta's documents: it imports nothing of the addon,
so that it can verify it. Start it with ``python -m simulator``; see README.md.
"""
