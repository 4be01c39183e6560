"""What runs inside Shipway pods."""
