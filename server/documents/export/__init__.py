"""Files for other programs and clinics: archive, tables, FHIR, research and transfer."""
