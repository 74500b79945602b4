"""Measurements, always as a ratio within one run or against labels; no part of the test command."""
