"""Landing: from somebody's order files to typed raw tables, rejected rows and a file ledger."""
