package parcel

import (
	"archive/zip"
	"io"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/dossier"
)

// Writer makes a parcel, a member at a time.
type Writer struct{ zip *zip.Writer }

// NewWriter makes a parcel of what is added until Close.
func NewWriter(out io.Writer) *Writer { return &Writer{zip.NewWriter(out)} }

// Add adds a file of the case. The sealed file is stored as it is: it is packed already.
func (w *Writer) Add(name string, body io.Reader) error {
	if !isPlain(name) || !dossier.MayHold(name) {
		return envelope.Refuse("E28", "name", "cannot export the case: %q is no name of a case's file", name)
	}
	method := zip.Deflate
	if name == dossier.Sealed {
		method = zip.Store
	}
	to, err := w.zip.CreateHeader(&zip.FileHeader{Name: name, Method: method})
	if err != nil {
		return err
	}
	_, err = io.Copy(to, body)
	return err
}

// Close ends the parcel; without it there is none.
func (w *Writer) Close() error { return w.zip.Close() }
