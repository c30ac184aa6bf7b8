-- WirePlumber 0.4: telephones play to this machine though no person is logged in.
bluez_monitor.properties["with-logind"] = false
bluez_monitor.properties["bluez5.roles"] = "[ a2dp_sink ]"
