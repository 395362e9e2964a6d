"""The elementary functions, in steps that every processor rounds alike."""
