"""The demo: its processes, the campaign's journey, the table of results and their check."""
