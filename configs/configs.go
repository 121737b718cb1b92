// Package configs reads the settings of unbindd.
//
// It promises that a setting which is not understood stops the start: an
// unknown or repeated key, a value of the wrong kind, a duration or a size
// without a unit, a variable UNBINDD_* that names nothing. All problems are told
// at once, each with its place, the line it stands in and, where there is one,
// the word that was probably meant. Every setting has its default in one place,
// the commented file that is also the documentation.
//
//	configs.go    Config, Load and where each value came from
//	unbindd.yaml  the defaults, embedded
//	schema.go     which keys there are and of what kind, taken from Config
//	value.go      text to value: durations, sizes, lists
//	file.go       one YAML file, strictly
//	layers.go     environment and command line
//	check.go      what no single value can tell
//	problem.go    how a problem is told
package configs

import (
	_ "embed"
	"fmt"
	"os"

	"github.com/spf13/viper"

	"unbindd/agent"
	"unbindd/device"
	"unbindd/transport"
)

// Config is every setting. Each part belongs to the package that uses it.
type Config struct {
	Agent   agent.Config            `yaml:",inline" mapstructure:",squash"`
	Log     Log                     `yaml:"log" mapstructure:"log"`
	Reader  device.Config           `yaml:"reader" mapstructure:"reader"`
	Link    transport.Config        `yaml:"link" mapstructure:"link"`
	MQTT    transport.MQTTConfig    `yaml:"mqtt" mapstructure:"mqtt"`
	Courier transport.CourierConfig `yaml:"courier" mapstructure:"courier"`
}

// Log says what the daemon's log holds and how it is written.
type Log struct {
	Level  string `yaml:"level" mapstructure:"level"`   // debug, info, warn, error
	Format string `yaml:"format" mapstructure:"format"` // json, text
}

// Sources tells for each key, written with dots, where its value came from:
// "default", a place in a file, the name of a variable, or "command line".
type Sources map[string]string

//go:embed unbindd.yaml
var example []byte

// Example is the commented file with every key and its default.
func Example() []byte { return example }

// Load reads the file (none if empty), the environment over it, and flags,
// keyed like "reader.path", over both. An error is a Problems if the settings
// were read but cannot be used; they are told beside it if it is OnlyPlace.
func Load(file string, flags map[string]string) (Config, Sources, error) {
	l, err := newLoad()
	if err != nil {
		return Config{}, nil, err
	}
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return Config{}, nil, fmt.Errorf("cannot read the settings: %w", err)
		}
		l.from = file
		l.file(file, text)
	}
	l.environment(os.Environ())
	l.flags(flags)
	return l.config()
}

// load is one Load under way. Later layers go over earlier ones.
type load struct {
	schema   schema
	merged   *viper.Viper
	spots    map[string]spot // where each key's value came from
	problems Problems
	from     string // the file, "" if there is none
}

// newLoad begins with the defaults, which are read like any other file.
func newLoad() (*load, error) {
	l := &load{schema: schemaOf(Config{}), merged: viper.New(), spots: map[string]spot{}}
	l.file("unbindd.yaml", example)
	if len(l.problems) > 0 {
		return nil, fmt.Errorf("cannot read the embedded defaults: %w", l.problems)
	}
	for _, key := range l.schema.leaves() {
		if _, ok := l.spots[key]; !ok {
			return nil, fmt.Errorf("cannot use the embedded defaults: %s has none", key)
		}
		l.spots[key] = spot{source: "default"}
	}
	return l, nil
}

// set puts one value over what was there.
func (l *load) set(key string, value any, from spot) {
	l.merged.Set(key, value)
	l.spots[key] = from
}

func (l *load) config() (Config, Sources, error) {
	var c Config
	if err := l.merged.UnmarshalExact(&c); err != nil {
		return Config{}, nil, fmt.Errorf("cannot join the settings: %w", err)
	}
	l.check(c)
	if len(l.problems) > 0 && !l.problems.OnlyPlace() {
		return Config{}, nil, l.problems.sorted()
	}
	sources := Sources{}
	for key, s := range l.spots {
		sources[key] = s.source
	}
	if len(l.problems) > 0 {
		return c, sources, l.problems
	}
	return c, sources, nil
}
