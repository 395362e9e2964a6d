"""A picture as plain data, its words and colours, and how a large one is made small."""
