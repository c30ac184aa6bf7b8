"""What the participant sees and hears: the screen, the small screen, the lamp, voice and tones."""
