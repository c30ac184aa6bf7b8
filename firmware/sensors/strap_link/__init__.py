"""Parts of the Bluetooth strap: its status, whether it is the bound one, and how a failing radio is helped."""
