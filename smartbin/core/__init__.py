"""What every room uses: the calendar, errors, settings, printable text, spreadsheet cells."""
