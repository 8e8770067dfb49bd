"""What programs and workers may reach on the network: the allow list, guarded connections, the broker."""
