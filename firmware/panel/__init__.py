"""The buttons beside the treadmill: GPIO pins and a numeric keypad."""
