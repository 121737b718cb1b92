package ledger

// Start is the chain value before the first record of a ledger of this binding:
// what a backup's header names as its prev.
func Start(binding [32]byte) [32]byte { return origin(binding, nil) }
