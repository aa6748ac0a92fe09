"""Damaged files of every kind that anir opens, made in thousands."""
