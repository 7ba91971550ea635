"""Models over HTTP or a command: one protocol, its clients, retries, the circuit, the table of overflow wordings."""
