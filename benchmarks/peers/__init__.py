"""One adapter a library. Each runs in a process and an environment of its own (`benchmarks.peers.worker`)."""
