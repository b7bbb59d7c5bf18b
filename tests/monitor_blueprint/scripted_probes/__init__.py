"""Kinds of checks for the tests: the folder is put beside the monitor's own, as a new check's file would be."""
