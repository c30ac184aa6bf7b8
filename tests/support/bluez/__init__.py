"""A bluetoothd without a radio, on a private bus."""
