"""What every part of the machine uses: clocks, timestamps, files, paths, systemd and errors."""
