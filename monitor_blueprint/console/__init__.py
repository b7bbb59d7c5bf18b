"""What an operator sees and orders, one document for each question: the same for the API and for the commands' `--json`."""
