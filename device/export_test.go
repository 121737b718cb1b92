package device

import "context"

// OrderLink gives the order for a new link key and stops there, as a terminal does that is cut down.
func OrderLink(ctx context.Context, r *Reader, order []byte, next Secret) error {
	k, err := can[keyRotator](ctx, r, CanRotate)
	if err != nil {
		return err
	}
	return k.rotateLink(ctx, order, next)
}
