"""What a worker executes: tools made of functions, what they are given and what they give back."""
