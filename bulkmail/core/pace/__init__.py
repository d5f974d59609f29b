"""How fast an application goes: rate, bucket and knee of its throughput, learned from what the service refuses."""
