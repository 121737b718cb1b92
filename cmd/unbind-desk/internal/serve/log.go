package serve

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/store"
)

// proofHeader carries the proof that comes with a receipt: a C2SP tlog-proof in
// base64, for the leaf that the receipt's index names. It stands outside the
// receipt, so that who does not know it sees nothing new.
const proofHeader = "Unbindd-Log-Proof"

// sizeHeader is how a terminal says which size of the log it knows, and growthHeader how
// it is told that the log of the proof beside it continues that one: no more than one
// hash a bit of the size, so that both fit into what a proxy keeps for heads.
const (
	sizeHeader   = "Unbindd-Log-Size"
	growthHeader = "Unbindd-Log-Growth"
)

// sendReceipt sends a receipt with the proof of the object that it is for. The
// receipt is durable and a terminal waits for it: it goes out also where no proof
// can be made, which is asked for again at its own route.
func (s *Server) sendReceipt(w http.ResponseWriter, r *http.Request, who desk.Caller, id envelope.ID, kind string, n int64, receipt []byte) error {
	proof, err := s.Desk.ProveObjectSince(who, id, kind, n, knownSize(r))
	return s.sendProven(w, id, receipt, proof, err)
}

// sendLeaf is sendReceipt where the leaf of the object is known.
func (s *Server) sendLeaf(w http.ResponseWriter, r *http.Request, id envelope.ID, leaf int64, receipt []byte) error {
	proof, err := s.Desk.ProveLeafSince(leaf, knownSize(r))
	return s.sendProven(w, id, receipt, proof, err)
}

// knownSize is the size of the log that who asks knows. What is no number is passed over,
// as by a desk that does not know the header: no receipt is withheld for it.
func knownSize(r *http.Request) int64 {
	n, err := countOf("leaf", r.Header.Get(sizeHeader))
	if err != nil {
		return 0
	}
	return n
}

func (s *Server) sendProven(w http.ResponseWriter, id envelope.ID, receipt []byte, proof desk.Proof, err error) error {
	switch {
	case errors.Is(err, store.ErrUnknown):
		return err
	case err != nil:
		s.Log.Error().Err(err).Str("case", string(id)).Msg("a receipt goes out without its proof")
	default:
		w.Header().Set(proofHeader, base64.StdEncoding.EncodeToString(proof.Inclusion))
		if proof.Growth != "" {
			w.Header().Set(growthHeader, proof.Growth)
		}
	}
	send(w, http.StatusOK, receipt)
	return nil
}

// sendText sends a checkpoint or a proof, which are lines of text.
func sendText(w http.ResponseWriter, body []byte, err error) error {
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // the client is gone: it will ask again
	return nil
}

func (s *Server) checkpoint(w http.ResponseWriter, _ *http.Request) error {
	body, err := s.Desk.Checkpoint()
	return sendText(w, body, err)
}

func (s *Server) proof(w http.ResponseWriter, r *http.Request) error {
	i, err := countOf("leaf", r.PathValue("i"))
	if err != nil {
		return err
	}
	body, err := s.Desk.ProveLeaf(i)
	return sendText(w, body, err)
}

func (s *Server) consistency(w http.ResponseWriter, r *http.Request) error {
	m, err := countOf("leaf", r.PathValue("m"))
	if err != nil {
		return err
	}
	n, err := countOf("leaf", r.PathValue("n"))
	if err != nil {
		return err
	}
	body, err := s.Desk.ProveGrowth(m, n)
	return sendText(w, body, err)
}

func (s *Server) proofOfObject(w http.ResponseWriter, r *http.Request, who desk.Caller) error {
	return s.proofOf(w, r, who, r.PathValue("kind"))
}

func (s *Server) proofOfReceipt(w http.ResponseWriter, r *http.Request, who desk.Caller) error {
	return s.proofOf(w, r, who, "receipts/"+r.PathValue("kind"))
}

func (s *Server) proofOf(w http.ResponseWriter, r *http.Request, who desk.Caller, kind string) error {
	id, n, err := named(r)
	if err != nil {
		return err
	}
	body, err := s.Desk.ProveObject(who, id, kind, n)
	return sendText(w, body, err)
}

// countOf reads a number of leaves or hours: decimal, from 0, written one way only.
func countOf(what, text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != text {
		return 0, malformed("E28", what, "cannot use the number: it is counted from 0")
	}
	return n, nil
}
