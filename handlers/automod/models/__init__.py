"""What AutoMod stores, takes in and hands out."""
