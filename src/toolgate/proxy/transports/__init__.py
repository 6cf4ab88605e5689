"""Ways to reach an upstream: `table` names them, `port` says what each must do, one file (or a few) makes each."""
