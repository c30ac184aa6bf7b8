"""Voice and tones: phrases, voice packs, synthesis, mixing and the sound card."""
