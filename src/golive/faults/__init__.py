"""Break one thing on purpose, and heal it: each check is proven able to fail."""
