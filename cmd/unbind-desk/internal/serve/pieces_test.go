package serve

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
)

// Whatever stands in the heads of an upload, a number is read as it is written
// or not at all, and no refusal is without its code.
func FuzzUpload(f *testing.F) {
	f.Add("case Qy0x,digest c2hhMjU2Og==,kind YmFja3Vw,n MQ==", "sha256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", `"3"`, "1", "application/json")
	f.Add("case Qy0x,case Qy0y", "md5 AA==", `W/"3"`, "01", "text/html; a=b")
	f.Add("", "sha256", "3", "-1", "a/b/c")
	f.Fuzz(func(t *testing.T, field, sum, seen, number, kind string) {
		told, err := metadata(field)
		if err == nil {
			for name, word := range told {
				if len(word) > 256 || !strings.Contains(field, name) {
					t.Fatalf("%q has %q as %q", field, name, word)
				}
			}
		}
		coded(t, err)
		coded(t, checksum(sum, []byte("x")))
		n, err := seenVersion(seen)
		coded(t, err)
		if err == nil && n < 0 && n != desk.Unseen {
			t.Fatalf("%q is version %d", seen, n)
		}
		for from, read := range map[int64]func() (int64, error){
			1: func() (int64, error) { return numberOf(number) },
			0: func() (int64, error) { return countOf("leaf", number) },
		} {
			n, err := read()
			coded(t, err)
			if err == nil && (n < from || strconv.FormatInt(n, 10) != number) {
				t.Fatalf("%q is %d", number, n)
			}
		}
		r := httptest.NewRequest(http.MethodPut, "/", strings.NewReader("x"))
		r.Header["Content-Type"] = []string{kind}
		err = fits(object, r)
		if err == nil && kind != "" && !strings.Contains(strings.ToLower(kind), "application/json") {
			t.Fatalf("%q is taken for JSON", kind)
		}
		coded(t, err)
	})
}

func coded(t *testing.T, err error) {
	t.Helper()
	if err != nil && envelope.CodeOf(err) == "" {
		t.Fatalf("refused without a code: %v", err)
	}
}
