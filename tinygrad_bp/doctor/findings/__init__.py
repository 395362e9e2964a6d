"""What is found: findings in order, the vocabulary of their names, and the page that shows them."""
