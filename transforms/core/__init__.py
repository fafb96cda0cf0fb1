"""The work: plain typed functions and frozen values that know nothing of Beam."""
