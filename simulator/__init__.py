"""A local WhatsApp Cloud API for tests, demonstrations and measurements.

A process of its own with its own reading of Meta's documents: it imports nothing of the addon,
so that it can judge it. Start it with ``python -m simulator``; see README.md.
"""
