package scripts

// module is the path in go.mod; imports that begin with it are the house's own.
const module = "unbindd"

// arrow says what a package may import of the house. A name that ends in /...
// means the package and all below it. What stands in tests may be imported by
// its test files besides; a package's own children always may.
type arrow struct {
	of    string
	may   []string
	tests []string
	why   string
}

const (
	alone   = "it must be usable, and testable, without the rest of the house"
	onStair = "the stair is short and one way: who reads a signed object must not need to know the agent"
)

// stair is what checks a signed object, from the bottom step up.
var stair = []string{
	"agent/envelope", "agent/trust", "agent/command", "agent/profile", "agent/manifest",
	"agent/receipt", "agent/ticket", "agent/enrol", "agent/certificate", "agent/merkle",
}

var steps = []string{"agent/envelope", "agent/trust"}

var arrows = []arrow{
	{of: "agent/envelope", why: onStair},
	{of: "agent/trust", may: []string{"agent/envelope"}, why: onStair},
	{of: "agent/command", may: steps, why: onStair},
	{of: "agent/profile", may: steps, why: onStair},
	{of: "agent/manifest", may: steps, why: onStair},
	{of: "agent/receipt", may: steps, why: onStair},
	{of: "agent/ticket", may: steps, why: onStair},
	{of: "agent/enrol", may: steps, why: onStair},
	{of: "agent/certificate", may: steps, why: onStair},
	{of: "agent/merkle", may: steps, why: onStair},

	{of: "agent/ledger", tests: []string{"scripts/programtest"}, why: alone},
	{of: "agent/mapped", why: alone},
	{of: "agent/journal", may: []string{"agent/mapped"}, why: alone},
	{of: "agent/backup", why: alone},
	{of: "agent/keys", why: alone},
	{of: "agent/local", why: alone},
	{of: "agent/said", why: alone},
	{of: "device", why: alone},
	{of: "device/devicesim", may: []string{"device/devicesim/..."}, why: "the simulator shares no code with what it is there to test"},
	{of: "device/devicesim/keying", why: alone},
	{of: "device/devicesim/card", why: alone},
	{of: "wipe", tests: []string{"scripts/programtest"}, why: alone},
	{of: "transport/broker", why: alone},
	{of: "transport", may: []string{"transport/broker"}, why: alone},
	{of: "transport/transporttest", may: []string{"transport", "transport/broker"}, why: alone},

	{
		of: "agent", may: []string{"agent/...", "device", "wipe", "transport"},
		tests: []string{"device/devicesim", "scripts/programtest", "transport/transporttest"},
		why:   "the agent knows everybody below it and nobody above it",
	},
	{of: "configs", may: []string{"agent", "device", "transport"}, why: "settings are read for others, not used"},

	{of: "cmd/help", tests: []string{"agent/said"}, why: alone},
	{of: "cmd/help/helptest", may: []string{"cmd/help"}, why: "it reads command lines and knows no program"},
	{
		of: "cmd/unbindd", may: []string{"agent/...", "cmd/help", "configs", "device", "wipe", "transport"},
		tests: []string{"cmd/help/helptest", "device/devicesim", "scripts/programtest", "transport/transporttest"},
		why:   "the daemon opens the parts and hands them over",
	},
	{
		of: "cmd/unbindctl", may: append([]string{"agent/local", "agent/said", "cmd/help"}, stair...), tests: []string{"cmd/help/helptest", "scripts/programtest"},
		why: "the tool talks to the daemon and checks papers; it never is the daemon",
	},
	{
		of:    "cmd/unbind-desk/internal/console",
		may:   []string{"agent/command", "agent/envelope", "agent/said", "agent/trust", "cmd/unbind-desk/internal/desk", "cmd/unbind-desk/internal/grounds", "cmd/unbind-desk/internal/serve", "cmd/unbind-desk/internal/store"},
		tests: []string{"agent/enrol", "cmd/unbind-desk/internal/authority", "cmd/unbind-desk/internal/directory", "cmd/unbind-desk/internal/store/bolt"},
		why:   "pages show what the desk says and hold no key: no authority, no directory, no signer",
	},
	{
		of:  "cmd/unbind-desk/internal/courier",
		may: []string{"agent/envelope", "agent/manifest", "transport"}, tests: []string{"transport/transporttest"},
		why: "it carries and judges nothing; the folder's layout is the links'",
	},
	{
		of: "cmd/unbind-desk/...", may: append([]string{"agent/ledger", "agent/backup", "agent/mapped", "agent/said", "transport/broker", "cmd/help", "cmd/unbind-desk/..."}, stair...),
		tests: []string{"cmd/help/helptest", "scripts/fleet"},
		why:   "the desk reads what terminals send and must not be able to act as one",
	},
	{of: "cmd/readersim", may: []string{"agent/said", "cmd/help", "device/devicesim"}, tests: []string{"cmd/help/helptest", "device"}, why: "a reader knows nothing of the terminal it hangs on"},
	{of: "scripts", why: "the checks look at the house from outside"},
	{
		of: "scripts/crash", tests: []string{"agent/journal", "agent/keys", "agent/ledger", "device/devicesim", "scripts/programtest", "transport", "wipe"},
		why: "the lab cuts the power under the house's own stores, and is no part of any program",
	},
	{of: "scripts/programtest", why: alone},
	{of: "scripts/fuzz", why: "the fuzzer is run from outside"},
	{
		of: "scripts/lab", tests: []string{"agent/backup", "agent/ledger", "scripts/programtest", "wipe"},
		why: "the lab reads the medium and asks nobody; only what it erases and keeps there is the house's own",
	},
	{
		of: "scripts/fleet", may: stair,
		why: "terminals that are simulated speak to the desk over its doors and know nothing of its inside",
	},
	{
		of: "scripts/bench", may: []string{"agent/envelope", "agent/keys", "agent/ledger", "agent/local", "device", "scripts/fleet", "wipe"},
		why: "figures are taken of programs; only a ledger is filled and erased, a status read and a reader asked by the house's own packages",
	},
}

// door says who may import an outside module. anyTest lets every test in.
type door struct {
	module  string
	open    []string
	anyTest bool
	why     string
}

var doors = []door{
	{module: "github.com/tarm/serial", open: []string{"device"}, why: "its traps are handled in one file"},
	{module: "github.com/emmansun/gmsm", open: []string{"device/devicesim/keying"}, why: "ciphers of payment keys are the simulated reader's"},
	{module: "github.com/spf13/viper", open: []string{"configs"}, why: "settings are joined in one place"},
	{module: "github.com/goccy/go-yaml", open: []string{"configs"}, why: "settings are read in one place"},
	{module: "go.etcd.io/bbolt", open: []string{"agent/ledger", "agent/journal", "agent/mapped", "cmd/unbind-desk/internal/...", "scripts/bench", "scripts/lab"}, why: "only who owns a database file opens one"},
	{module: "filippo.io/age", open: []string{"agent/backup"}, anyTest: true, why: "the container's format has one owner"},
	{module: "github.com/klauspost/compress", open: []string{"agent/backup"}, anyTest: true, why: "the container's format has one owner"},
	{module: "golang.org/x/crypto", open: []string{"agent/keys"}, anyTest: true, why: "ciphers are chosen in one place and handed on as cipher.AEAD"},
	{module: "golang.org/x/mod", open: []string{"agent/merkle"}, why: "the tree and its notes are one format with one owner"},
	{module: "filippo.io/torchwood", anyTest: true, why: "it is the second opinion on our proofs"},
	{module: "github.com/secure-systems-lab/go-securesystemslib", anyTest: true, why: "it is the second opinion on our envelopes; it counts keys and not people"},
	{module: "github.com/rs/zerolog", open: []string{"agent", "cmd/..."}, why: "the others report to their caller"},
	{module: "github.com/spf13/cobra", open: []string{"cmd/..."}, why: "only programs have a command line"},
	{module: "github.com/spf13/pflag", open: []string{"cmd/help"}, why: "a program asks cobra; only who shows flags looks at them"},
	{module: "github.com/nicksnyder/go-i18n/v2", open: []string{"cmd/unbind-desk/internal/console"}, why: "only pages have a catalogue"},
	{module: "golang.org/x/text", open: []string{"cmd/unbind-desk/internal/console"}, why: "only pages are asked for a language"},
	{module: "golang.org/x/term", open: []string{"cmd/..."}, why: "only programs have a screen"},
	{module: "rsc.io/qr", open: []string{"cmd/..."}, why: "only programs have a screen"},
	{module: "golang.org/x/sys", open: []string{"agent", "agent/keys", "agent/ledger", "device/...", "wipe", "cmd/readersim"}, anyTest: true, why: "the kernel is asked by those who hold a file or a line"},
	{module: "github.com/eclipse/paho.mqtt.golang", open: []string{"transport/broker"}, why: "its silence about refusals and its stores are handled in one file"},
	{module: "github.com/mochi-mqtt/server/v2", open: []string{"transport/transporttest"}, why: "a broker in the process is for tests"},
	{module: "github.com/nats-io/nats-server/v2", anyTest: true, why: "it is for tests"},
	{module: "pgregory.net/rapid", anyTest: true, why: "it is for tests"},
	{module: "github.com/hanwen/go-fuse/v2", anyTest: true, why: "the crash lab mounts a folder; no program does"},
	{module: "github.com/rogpeppe/go-internal", open: []string{"scripts/programtest"}, anyTest: true, why: "it is for tests"},
	{module: "github.com/hanwen/go-fuse/v2", anyTest: true, why: "it is for tests"},
}

// settingsOnly are the packages of which configs may name nothing but settings.
var settingsOnly = map[string]bool{"agent": true, "device": true, "transport": true}

// catchAlls are names under which anything can be put and nothing be found.
var catchAlls = []string{"base", "common", "helper", "helpers", "manager", "misc", "models", "shared", "types", "util", "utils"}

// fixedWords are methods whose meaning the language has fixed; a comment would
// only repeat it.
var fixedWords = []string{"Error", "String", "Unwrap"}

// longest is the most lines of a Go file that somebody can still know.
const longest = 400
