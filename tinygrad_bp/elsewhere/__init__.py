"""What other libraries call by another name: names, attributes, and keywords of calls."""
