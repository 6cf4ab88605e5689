"""What `toolgate demo` shows: an example server shaped like a GPU cloud, and a policy for it."""
