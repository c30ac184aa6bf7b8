"""Heart-rate straps and treadmills over Bluetooth."""
