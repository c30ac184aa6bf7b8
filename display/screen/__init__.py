"""Parts that several screens share: header, instruction, countdown, heart-rate gauge, session profile."""
