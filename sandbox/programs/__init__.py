"""Programs of ours that run in a container, as text. Nothing imports them."""
