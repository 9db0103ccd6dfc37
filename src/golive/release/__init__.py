"""The record of a release: what was tested, who has signed what, what is waived."""
