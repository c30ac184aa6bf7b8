"""The wire format that machine and server share: topics, messages, envelopes and parts."""
