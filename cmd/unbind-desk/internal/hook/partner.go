package hook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"

	"unbindd/cmd/unbind-desk/internal/authority"
)

// Partner is somebody who wants to be told.
type Partner struct {
	Name   string           `json:"name"`
	URL    string           `json:"url"`
	Secret authority.Secret `json:"secret"` // at least 24 bytes, base64
}

var partnerName = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

// ReadPartners reads a JSON array of partners from a file that nobody else may read.
func ReadPartners(path string) ([]Partner, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the partners: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("cannot read the partners: others may read %s, and it holds secrets; chmod 600 it", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the partners: %w", err)
	}
	list, err := ParsePartners(text)
	if err != nil {
		return nil, fmt.Errorf("cannot read the partners: %w", err)
	}
	return list, nil
}

// ParsePartners reads partners; an error repeats nothing of them.
func ParsePartners(text []byte) ([]Partner, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var list []Partner
	if dec.Decode(&list) != nil {
		return nil, errors.New("it is no array of {name, secret, url}")
	}
	seen := map[string]bool{}
	for i, p := range list {
		u, err := url.Parse(p.URL)
		switch {
		case !partnerName.MatchString(p.Name) || seen[p.Name]:
			return nil, fmt.Errorf("partner %d has no name of a-z 0-9 - of its own", i+1)
		case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.User != nil:
			return nil, fmt.Errorf("partner %s has no plain http or https address", p.Name)
		case len(p.Secret.Reveal()) < 24:
			return nil, fmt.Errorf("partner %s has a secret of fewer than 24 bytes", p.Name)
		}
		seen[p.Name] = true
	}
	return list, nil
}
