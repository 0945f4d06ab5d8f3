"""What the chat stores, takes in and hands out."""
