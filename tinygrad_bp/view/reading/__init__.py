"""What the engine recorded, read into pictures: whole, by elements, backward, or as it failed."""
