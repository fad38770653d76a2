"""Work that may take too long or eat too much, done in another process: `pool` gives it out, `worker` is that process."""
