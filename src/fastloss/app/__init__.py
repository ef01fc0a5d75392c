"""The command line: a loss of arrays in files, the demo, what this installation is."""
