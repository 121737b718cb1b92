package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"

	"unbindd/cmd/help"
	"unbindd/device/devicesim"
)

// An error is told in the language of the machine, and where to read on.
func TestComplainsInTheLanguageOfTheMachine(t *testing.T) {
	_, wrong := devicesim.ParseFault("nonsense")
	for lang, want := range map[string]string{
		"C":           "readersim: cannot read ticket key x: neither PEM nor base64\nNext: Read: readersim --help, or --help behind the verb.\n",
		"zh_CN.UTF-8": "readersim: 无法读取票据密钥 x：既不是 PEM 也不是 base64\n下一步：请查看：readersim --help，或在动词后加 --help。\n",
	} {
		t.Setenv("LC_ALL", lang)
		var out bytes.Buffer
		complain(&out, fmt.Errorf("cannot read ticket key x: %w", errors.New("neither PEM nor base64")), help.Wanted(nil, os.Getenv))
		if out.String() != want {
			t.Errorf("in %s: %s", lang, out.String())
		}
	}
	var out bytes.Buffer
	t.Setenv("LC_ALL", "C")
	if complain(&out, wrong, help.Wanted([]string{"run", "--lang=zh"}, os.Getenv)); wrong == nil || !bytes.Contains(out.Bytes(), []byte("无法设置故障")) {
		t.Errorf("%v is said as %s", wrong, out.String())
	}
}
