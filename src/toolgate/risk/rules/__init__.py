"""Rules: each looks at one kind of words and yields evidence. `table` names them all."""
