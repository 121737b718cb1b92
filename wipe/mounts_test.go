package wipe_test

import "fmt"

// mountLine is a line of /proc/self/mountinfo.
func mountLine(id int, root, kind, super string) string {
	return fmt.Sprintf("%d 1 8:1 %s /data rw,relatime shared:1 - %s /dev/sda1 %s\n", id, root, kind, super)
}
