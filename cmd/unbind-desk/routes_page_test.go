package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"unbindd/cmd/unbind-desk/internal/serve"
)

// rowOf is what the page says of a route.
func rowOf(r serve.Route, row map[string]string) string {
	var b strings.Builder
	carries := "nothing"
	if r.Body.Most > 0 {
		carries = fmt.Sprintf("%s, up to %d KiB", r.Body.Type, r.Body.Most>>10)
	}
	if strings.HasSuffix(r.Path, "/backup/{n}") {
		carries = r.Body.Type + ", up to `--max-backup`"
	}
	fmt.Fprintf(&b, "### `%s %s`\n\nAsked by: %s. Carries: %s.\n\n", r.Method, r.Path, r.Who, carries)
	for _, a := range attacks {
		if row[a.name] != "" {
			fmt.Fprintf(&b, "* %s: %s\n", a.name, row[a.name])
		}
	}
	return b.String()
}

// comparePage holds docs/ROUTES.md to what was heard.
func comparePage(t *testing.T, routes []serve.Route, rows []map[string]string) {
	t.Helper()
	was, err := os.ReadFile(routesPage)
	if err != nil && os.Getenv("ROUTES_PAGE") == "" {
		t.Fatal(err)
	}
	doors := map[bool]string{true: "\n\n## The socket\n\n", false: "\n\n## The HTTPS door\n\n"}
	for i, r := range routes {
		doors[r.Who == serve.Owner] += rowOf(r, rows[i]) + "\n"
	}
	before, _, _ := strings.Cut(string(was), routesMark)
	page := before + routesMark + strings.TrimSuffix(doors[false], "\n") + strings.TrimSuffix(doors[true], "\n")
	if os.Getenv("ROUTES_PAGE") != "" {
		if err := os.WriteFile(routesPage, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if page != string(was) {
		now, then := strings.Split(page, "\n"), strings.Split(string(was), "\n")
		for i := range now {
			if i >= len(then) || now[i] != then[i] {
				t.Fatalf("docs/ROUTES.md is behind (ROUTES_PAGE=1 writes it): line %d is now\n%s", i+1, now[i])
			}
		}
		t.Fatal("docs/ROUTES.md has more than there is (ROUTES_PAGE=1 writes it)")
	}
}

// routesMark is where the part begins that is written by the test.
const routesMark = "<!-- from here on written by TestEveryRouteRefuses -->"
