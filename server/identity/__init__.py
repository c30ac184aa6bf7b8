"""Who may connect: the clinic's certificate authority, certificates and enrolment."""
