"""The machine's certificate: enrolment with a one-time code, and renewal."""
