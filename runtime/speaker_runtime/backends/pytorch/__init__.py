"""What backends on PyTorch share: devices, and products whose rows do not know each other."""
