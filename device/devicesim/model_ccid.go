package devicesim

import (
	"fmt"
	"slices"
	"strings"
)

// model is a reader that one can buy and that speaks CCID over a serial line (docs/WIRE-CCID.md).
type model struct {
	sockets int
	echoes  bool // sends every command back before it answers
}

const defaultModel = "GemCorePOSPro"

// models by the name under which libccid knows them.
var models = map[string]model{
	"GemPCTwin":     {sockets: 1, echoes: true},
	"GemCorePOSPro": {sockets: 5}, // the customer's card and four SAMs
}

// Models lists what Options.Model can be, sorted.
func Models() []string {
	var names []string
	for name := range models {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func modelNamed(name string) (model, error) {
	m, known := models[name]
	if !known {
		return model{}, fmt.Errorf("model %q is not one of %s", name, strings.Join(Models(), " "))
	}
	return m, nil
}
