"""What people press and open: buttons, `/handoff`, the shortcut, App Home."""
