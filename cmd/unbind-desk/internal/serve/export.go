package serve

import (
	"archive/tar"
	"errors"
	"io"
	"net/http"
	"time"

	"unbindd/cmd/unbind-desk/internal/desk"
)

// export streams a case as tar. An error in the middle breaks the stream off,
// so that half a case is never taken for a whole one.
func (s *Server) export(w http.ResponseWriter, r *http.Request) error {
	pieces, err := s.Desk.Export(r.PathValue("case"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/x-tar")
	out := tar.NewWriter(w)
	for _, p := range pieces {
		if err := pack(out, p, s.Desk.Now()); err != nil {
			s.Log.Error().Err(err).Msg("export broke off")
			panic(http.ErrAbortHandler)
		}
	}
	if err := out.Close(); err != nil {
		panic(http.ErrAbortHandler) // the operator is gone
	}
	return nil
}

func pack(out *tar.Writer, p desk.Piece, now time.Time) (err error) {
	body, err := p.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	if err := out.WriteHeader(&tar.Header{Name: p.Name, Size: p.Size, Mode: 0o644, ModTime: now}); err != nil {
		return err
	}
	_, err = io.Copy(out, body)
	return err
}
