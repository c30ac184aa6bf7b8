"""Clinics side by side: sums alone, and never of fewer than five people."""
