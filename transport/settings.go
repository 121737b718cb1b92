package transport

import (
	"errors"
	"fmt"
	"net"

	"unbindd/transport/broker"
)

// Validate returns every problem that keeps a link from being made, at once, or nil;
// each begins with its key. The desk's own address is not among them, since it may come
// with enrolment.
func (c Config) Validate() error {
	problems := append(addresses("addresses", c.Addresses), addresses("resolvers", c.Resolvers)...)
	if _, err := proxy(c.Proxy); err != nil {
		problems = append(problems, fmt.Errorf("proxy: %w", err))
	}
	return errors.Join(problems...)
}

// Validate returns every problem of the broker's pins, user name and password at
// once, or nil.
func (m MQTTConfig) Validate() error {
	var problems []error
	for _, p := range m.Pins {
		if !pinPattern.MatchString(p) {
			problems = append(problems, fmt.Errorf("pins: %q is not a pin: write sha256: and 64 hex digits", p))
		}
	}
	for _, address := range []string{m.URL, m.Open} {
		if _, _, _, err := broker.Check(address); err != nil {
			continue // it is told for itself, or is not there
		}
		if err := m.login().Check(address); err != nil {
			key := "password_file"
			if m.PasswordFile == "" {
				key = "user"
			}
			problems = append(problems, fmt.Errorf("%s: %w", key, err))
			break
		}
	}
	return errors.Join(problems...)
}

func addresses(key string, list []string) (problems []error) {
	for _, a := range list {
		if net.ParseIP(hostOf(a)) == nil {
			problems = append(problems, fmt.Errorf("%s: %q is not an IP address, with or without a port", key, a))
		}
	}
	return problems
}
