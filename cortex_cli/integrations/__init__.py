"""What other programs call: thin modules, each for one of them, imported when it is used."""
