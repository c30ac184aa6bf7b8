"""Parts of the Bluetooth strap: what is told of it, whether it is the bound one, and how a failing radio is helped."""
