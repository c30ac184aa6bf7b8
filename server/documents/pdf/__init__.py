"""Documents on paper: letters, reports and their pictures as PDF."""
