"""Drawing without knowledge of a session: canvas, layout, shapes, icons, fonts, colours and line drawings."""
