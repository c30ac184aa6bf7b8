-- WirePlumber 0.4: sound cards belong to the display.
alsa_monitor.enabled = false
