"""The formulas of rules: their own code run on values that only have a name, and set as text."""
