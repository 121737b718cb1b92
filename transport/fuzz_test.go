package transport

import (
	"net/http"
	"testing"
)

// FuzzCertificates: certificates are read or refused, and no desk silences a
// terminal for longer than a day.
func FuzzCertificates(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte, after, date string) {
		if certs, err := parseCertificates(data); err == nil && len(certs) == 0 {
			t.Fatal("neither certificates nor an error")
		}
		s := newStatus(http.StatusServiceUnavailable, http.Header{"Retry-After": {after}, "Date": {date}}, data)
		if s.RetryAfter < 0 || s.RetryAfter > longestRetryAfter {
			t.Fatalf("%q at %q waits %s", after, date, s.RetryAfter)
		}
		if s.Err != "" && !codePattern.MatchString(s.Err) || len(s.Message) > 200 {
			t.Fatalf("status %+v", s)
		}
	})
}
