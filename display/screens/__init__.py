"""One file for each face of the screen. A face is a function from a glance to its parts."""
