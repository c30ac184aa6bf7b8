"""Outputs for the large screen: a window, or the kernel's own display driver."""
