"""Assessment: a participant's medical clearance and what it allows, and measurements in the course."""
