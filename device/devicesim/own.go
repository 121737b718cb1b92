package devicesim

// ownKeys are the reader's own three keys. They are no payment keys: no erase touches them, and only an order
// signed by the present ticket key changes them.
type ownKeys struct {
	Link   []byte `json:"link"`   // K_dev, shared with the bound host
	Record []byte `json:"record"` // Ed25519 seed of the key that signs erase records
	Ticket []byte `json:"ticket"` // public key of who may order an erase
}
