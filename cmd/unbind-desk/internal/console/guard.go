package console

import (
	"net"
	"net/http"
	"net/url"
	"slices"
)

// policy lets a page use what the console itself serves, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; " +
	"frame-ancestors 'none'; form-action 'self'; base-uri 'none'"

// guard sets the headers of every answer and refuses what no page of the console
// sends: another host's name, which is how a foreign page gets past the address
// (DNS rebinding), and a request that another site made the browser send.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Frame-Options", "DENY")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		switch {
		case !loopback(r.Host):
			http.Error(w, "This console answers to the names of its own machine only.", http.StatusMisdirectedRequest)
		case !fromHere(r):
			http.Error(w, "The request comes from another site.", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// loopback is true for the names this machine calls itself by. The port may be
// another one: that is what a tunnel does.
func loopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return slices.Contains([]string{"127.0.0.1", "localhost", "::1", "[::1]"}, name)
}

// fromHere says whether a page of the console made the browser send this. What
// changes something must say so. With no-referrer a browser hides the origin of a
// form ("null") and tells by Sec-Fetch-Site alone; one that knows no Sec-Fetch-Site
// must tell the origin.
func fromHere(r *http.Request) bool {
	site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		// A link into the console may come from anywhere, and shows a button.
		return site == "" || site == "same-origin" || site == "none" || r.URL.Path == "/enter"
	}
	told := origin != "" && origin != "null"
	if told && !sameOrigin(origin, r.Host) {
		return false
	}
	return site == "same-origin" || (site == "" && told)
}

func sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Scheme == "http" && u.Host == host && origin == "http://"+host
}

// onlyPost refuses to change something by another method than a form's.
func (c *Console) onlyPost(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Allow", http.MethodPost)
	http.Error(w, "This changes something and is only taken as POST.", http.StatusMethodNotAllowed)
}
