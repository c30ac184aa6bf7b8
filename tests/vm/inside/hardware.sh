#!/bin/sh
# Makes the virtual hardware inside the machine: 28 pins, the small screen's bus, a sound card that loops back.
set -eu

mkdir -p /run/raspberry-pi
{ cat /proc/cpuinfo; printf 'Revision\t: c03115\n'; } >/run/raspberry-pi/cpuinfo

modprobe gpio_pins_sim
mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config
header=/sys/kernel/config/gpio-sim/header
mkdir -p $header/bank
echo 28 >$header/bank/num_lines
echo pinctrl-bcm2711 >$header/bank/label
echo 1 >$header/live

modprobe recording_i2c
modprobe i2c-dev
modprobe snd-aloop index=0 pcm_substreams=1
modprobe hci_vhci
udevadm settle --timeout=60
