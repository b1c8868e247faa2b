"""Kills, crowds and a misbehaving platform against the sending engine, judged from outside."""
