package agent

import "time"

// Config are the settings of the daemon itself; the reader's and the links' are
// their packages' own.
type Config struct {
	StateDir    string   `yaml:"state_dir" mapstructure:"state_dir"`
	Socket      string   `yaml:"socket" mapstructure:"socket"`
	SocketGroup string   `yaml:"socket_group" mapstructure:"socket_group"`
	Terminal    Device   `yaml:"terminal" mapstructure:"terminal"`
	Power       Power    `yaml:"power" mapstructure:"power"`
	Spool       Spool    `yaml:"spool" mapstructure:"spool"`
	Clock       ClockSet `yaml:"clock" mapstructure:"clock"`
	Erase       Erase    `yaml:"erase" mapstructure:"erase"`
}

// Device names the machine for the certificate; an empty field is listed there
// as missing.
type Device struct {
	Manufacturer string `yaml:"manufacturer" mapstructure:"manufacturer"`
	Model        string `yaml:"model" mapstructure:"model"`
	Serial       string `yaml:"serial" mapstructure:"serial"`
	Property     string `yaml:"property" mapstructure:"property"`
}

// Power is the least charge, in percent, at which the point of no return is
// crossed on battery; 0 asks for nothing. Path is where the kernel tells.
type Power struct {
	MinPercent int    `yaml:"min_percent" mapstructure:"min_percent"`
	Path       string `yaml:"path" mapstructure:"path"`
}

// Spool is the space, in bytes, that must be free beside the sealed file.
type Spool struct {
	Reserve int64 `yaml:"reserve" mapstructure:"reserve"`
}

// ClockSet is how often the time floor is written down.
type ClockSet struct {
	FloorEvery time.Duration `yaml:"floor_every" mapstructure:"floor_every"`
}

// Erase lists the folders below which a profile's inventory may erase, and says
// how far below the files an erase may reach: files, blocks or medium.
type Erase struct {
	Roots []string `yaml:"roots" mapstructure:"roots"`
	Depth string   `yaml:"depth" mapstructure:"depth"`
}

// The values of Erase.Depth; each has all of the ones before it.
const (
	DepthFiles  = "files"
	DepthBlocks = "blocks"
	DepthMedium = "medium"
)
