"""Data that the engine reads and writes: protocols, plans, messages, events, cues, snapshots and summaries."""
