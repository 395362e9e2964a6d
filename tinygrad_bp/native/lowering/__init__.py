"""Instructions as cells: which there is machine code for, and what each element is made of."""
