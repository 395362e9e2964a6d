"""What learns: the loop, its parameters, output and label, and its steps against gradients."""
