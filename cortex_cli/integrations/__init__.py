"""What other programs call: thin modules, each for one of them, whose packages are not ours to bring."""
