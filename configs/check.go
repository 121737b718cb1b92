package configs

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// check looks at what only several values together, or their meaning, can
// tell. Each problem names the place the value came from.
func (l *load) check(c Config) {
	l.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	l.oneOf("log.format", c.Log.Format, "json", "text")
	l.absolute("state_dir", c.Agent.StateDir)
	l.absolute("socket", c.Agent.Socket)
	l.absolute("power.path", c.Agent.Power.Path)
	if c.Courier.Path != "" {
		l.absolute("courier.path", c.Courier.Path)
	}
	if l.from != "" && inside(l.from, c.Agent.StateDir) {
		l.blame("state_dir", "the settings file lies in it, and is erased with it", "move the file to a folder such as /etc/unbindd, or name another state_dir")
		l.problems[len(l.problems)-1].place = true
	}
	if below(c.Agent.Socket, c.Agent.StateDir) {
		l.blame("socket", "it lies in state_dir, which is erased", "use a folder such as /run/unbindd")
	}
	if c.Courier.Path != "" && below(c.Courier.Path, c.Agent.StateDir) {
		l.blame("courier.path", "it lies in state_dir, which is erased", "use the folder where the medium is mounted")
	}
	if n := c.Agent.Power.MinPercent; n < 0 || n > 100 {
		l.blame("power.min_percent", fmt.Sprintf("%d is not between 0 and 100", n), "")
	}
	if c.Link.RetryMin > c.Link.RetryMax {
		l.blame("link.retry_min", "it is longer than link.retry_max", "")
	}
	if c.Link.URL != "" && !isHTTPS(c.Link.URL) {
		l.blame("link.url", quoted(c.Link.URL)+" is not an address of a desk", "write https://host or https://host:port")
	}
	l.oneOf("link.pq", c.Link.PQ, "auto", "off")
	l.oneOf("courier.use", c.Courier.Use, "beside", "only")
	if c.Courier.Use == "only" && c.Courier.Path == "" {
		l.blame("courier.use", "there is no courier.path, and so no way at all", "name the folder where the medium is mounted")
	}
	l.oneOf("mqtt.use", c.MQTT.Use, "bell", "pipe")
	if n := c.MQTT.Message; n < 32<<10 || n > 1<<20 {
		l.blame("mqtt.message", "a message has 32 KiB to 1 MiB", "ask the broker's operator for its limit")
	}
	for key, address := range map[string]string{"mqtt.url": c.MQTT.URL, "mqtt.open": c.MQTT.Open} {
		switch {
		case strings.Contains(address, "@"): // it is not repeated
			l.blame(key, "a user name or a password has no place in it", "write mqtt.user, and mqtt.password_file for a file of mode 0600")
		case address != "" && !isBroker(address):
			l.blame(key, quoted(address)+" is not an address of a broker", "write mqtts://host or mqtts://host:port")
		}
	}
	l.password(c)
	if n := c.Link.Chunk; n < 1<<10 || n > 4<<20 {
		l.blame("link.chunk", "a piece has 1 KiB to 4 MiB", "")
	}
	if d := c.Agent.Erase.Depth; !slices.Contains([]string{"files", "blocks", "medium"}, d) {
		l.blame("erase.depth", fmt.Sprintf("%q is not a depth", d), "use files, blocks or medium")
	}
	for _, root := range c.Agent.Erase.Roots {
		if l.absolute("erase.roots", root); root == "/" {
			l.blame("erase.roots", "the whole system may not be erased", "name the folders one by one")
		}
	}
	l.part("reader", "driver", c.Reader.Validate())
	if c.Courier.Use != "only" {
		l.part("link", "proxy", c.Link.Validate())
	}
	if c.MQTT.URL != "" {
		l.part("mqtt", "pins", c.MQTT.Validate())
	}
}

// passwordFile is the key under which somebody may write the password itself.
const passwordFile = "mqtt.password_file"

// password looks at where the broker's password lies. It is needed for the last word
// of an unbinding, when all of state_dir but the journal is gone.
func (l *load) password(c Config) {
	file := c.MQTT.PasswordFile
	if file == "" {
		return
	}
	if l.absolute(passwordFile, file); inside(file, c.Agent.StateDir) {
		l.blame(passwordFile, "it lies in state_dir, which is erased before the last word is said", "use a folder such as /etc/unbindd")
	}
}

// part takes over what the package that a part is for says of it: each problem begins
// with the key, or is about the key otherwise.
func (l *load) part(part, otherwise string, err error) {
	problems := []error{err}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		problems = several.Unwrap()
	}
	for _, p := range problems {
		if p == nil {
			continue
		}
		key, told, _ := strings.Cut(p.Error(), ": ")
		if l.schema[part+"."+key] == "" {
			key, told = otherwise, p.Error()
		}
		l.blame(part+"."+key, told, "")
	}
}

// blame tells a problem with a value, by the place it came from.
func (l *load) blame(key, text, hint string) {
	p := l.spots[key].problem()
	p.Text, p.Hint = key+": "+text, hint
	if mayTell(key) {
		p.Excerpt = ""
	}
	l.problems = append(l.problems, p)
}

// mayTell says whether a value may hold a password, also by mistake: nothing of it is shown.
func mayTell(key string) bool {
	return slices.Contains([]string{"link.proxy", "mqtt.url", "mqtt.open", passwordFile}, key)
}

func (l *load) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		l.blame(key, quoted(value)+" is not one of "+strings.Join(allowed, ", "), didYouMean(closest(value, allowed)))
	}
}

func (l *load) absolute(key, path string) {
	if !filepath.IsAbs(path) || filepath.Clean(path) != path {
		shown := quoted(path)
		if mayTell(key) {
			shown = "it"
		}
		l.blame(key, shown+" is not a plain absolute path", "begin with /, without dots and without a slash at the end")
	}
}

func below(path, folder string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// inside tells whether a file, by its name or where links lead, lies in a folder.
func inside(file, folder string) bool {
	file, err := filepath.Abs(file)
	if err != nil || below(file, folder) {
		return err == nil
	}
	at, err1 := filepath.EvalSymlinks(file)
	in, err2 := filepath.EvalSymlinks(folder)
	if err2 != nil {
		in = folder // it is not there yet
	}
	return err1 == nil && below(at, in)
}

func isBroker(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "mqtts" || u.Scheme == "mqtt") && u.Hostname() != "" && u.Path == "" && u.User == nil
}

func isHTTPS(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.Host != ""
}
