"""HTTP/1.1 as a server speaks it, and what stands at each address."""
