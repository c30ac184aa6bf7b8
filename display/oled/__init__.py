"""The small OLED screen."""
