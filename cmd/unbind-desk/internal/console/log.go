package console

import (
	"net/http"
	"net/url"
	"strconv"

	"unbindd/cmd/unbind-desk/internal/desk"
)

type logPage struct {
	Size       int64
	Checkpoint string
	Leaves     []desk.Leaf
	Next       string
}

func (c *Console) log(w http.ResponseWriter, r *http.Request, v *visit) error {
	before := int64(0)
	if text := r.URL.Query().Get("before"); text != "" {
		var err error
		if before, err = leafNumber(text); err != nil {
			return err
		}
	}
	size, checkpoint, leaves, err := c.Desk.LogScreen(before, screenful)
	if err != nil {
		return err
	}
	out := logPage{Size: size, Checkpoint: string(checkpoint), Leaves: leaves}
	if n := len(leaves); n > 0 && leaves[n-1].N > 0 {
		out.Next = "/log?" + url.Values{"before": {strconv.FormatInt(leaves[n-1].N, 10)}}.Encode()
	}
	p := v.page(r, "log.title", "log")
	p.Inside = out
	return c.show(w, http.StatusOK, "log", p)
}

func (c *Console) checkpoint(w http.ResponseWriter, _ *http.Request, _ *visit) error {
	body, err := c.Desk.Checkpoint()
	return sendText(w, "checkpoint.txt", body, err)
}

func (c *Console) proof(w http.ResponseWriter, r *http.Request, _ *visit) error {
	n, err := leafNumber(r.PathValue("leaf"))
	if err != nil {
		return err
	}
	body, err := c.Desk.ProveLeaf(n)
	return sendText(w, "leaf-"+strconv.FormatInt(n, 10)+".tlog-proof", body, err)
}

func (c *Console) growth(w http.ResponseWriter, r *http.Request, _ *visit) error {
	q := r.URL.Query()
	m, err := leafNumber(q.Get("from"))
	if err != nil {
		return err
	}
	n, err := leafNumber(q.Get("to"))
	if err != nil {
		return err
	}
	body, err := c.Desk.ProveGrowth(m, n)
	return sendText(w, "growth.txt", body, err)
}

// sendText gives a checkpoint or a proof out as a file of text.
func sendText(w http.ResponseWriter, name string, body []byte, err error) error {
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, _ = w.Write(body) // the browser is gone: it will ask again
	return nil
}

// leafNumber reads a number of leaves: decimal, from 0, written one way only.
func leafNumber(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != text {
		return 0, refusal(desk.ErrMalformed, "E28", "leaf", "cannot use the number: leaves are counted from 0")
	}
	return n, nil
}
