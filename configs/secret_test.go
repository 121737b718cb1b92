package configs

import (
	"strings"
	"testing"
)

// Whoever writes the password itself into the settings is told so, without it, under
// whatever name and in whatever form.
func TestAMistakenPasswordIsNotRepeated(t *testing.T) {
	for _, line := range []string{
		"mqtt:\n  passwd: S3cret", "mqtt:\n  Password: S3cret", "mqtt:\n  \"password\": S3cret", "mqtt:\n  password : S3cret",
		"mqtt:\n  pin: S3cret", "mqtt: {login: S3cret}", "broker_pwd: S3cret", "mqttPassword: S3cret", "口令: S3cret",
		"mqtt:\n  password_file: S3cret", "mqtt:\n  password_file:\n    S3cret", "mqtt:\n  password_file: [S3cret]",
		"mqtt:\n  password_file: |\n    S3cret", "mqtt:\n  password_file: &S3cret x", "mqtt:\n  password: S3cret: x",
	} {
		_, _, err := loaded(t, line+"\n", nil, nil)
		if err == nil || strings.Contains(err.Error(), "S3cret") {
			t.Errorf("%q: %v", line, err)
		}
	}
	for from, run := range map[string]func() error{
		"the environment": func() error {
			_, _, err := loaded(t, "", []string{"UNBINDD_MQTT_PASSWORD_FILE=S3cret"}, nil)
			return err
		},
		"the command line": func() error {
			_, _, err := loaded(t, "", nil, map[string]string{"mqtt.password_file": "S3cret"})
			return err
		},
	} {
		if err := run(); err == nil || strings.Contains(err.Error(), "S3cret") {
			t.Errorf("by %s: %v", from, err)
		}
	}
}
