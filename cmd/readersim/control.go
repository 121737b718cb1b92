package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/spf13/cobra"
)

func controlCommand() *cobra.Command {
	var socket string
	c := &cobra.Command{
		Use:   "control WORD...",
		Short: "Send one line to the control socket of a running reader and print its answer",
		Example: `  readersim control --socket S sale 1250 CNY
  readersim control --socket S fault half
  readersim control --socket S state`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, words []string) error {
			answer, err := ask(c, socket, strings.Join(words, " "))
			if err != nil {
				return err
			}
			if text, bad := strings.CutPrefix(answer, "error "); bad {
				return errors.New(text)
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), strings.TrimSpace(strings.TrimPrefix(answer, "ok")))
			return err
		},
	}
	c.Flags().StringVar(&socket, "socket", "", "control socket of the running reader")
	cobra.CheckErr(c.MarkFlagRequired("socket"))
	return c
}

func ask(c *cobra.Command, socket, line string) (string, error) {
	conn, err := new(net.Dialer).DialContext(c.Context(), "unix", socket)
	if err != nil {
		return "", fmt.Errorf("cannot reach reader: %w", err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintln(conn, line); err != nil {
		return "", fmt.Errorf("cannot ask reader: %w", err)
	}
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, 1<<20)
	if !lines.Scan() {
		return "", fmt.Errorf("cannot hear reader: %w", errors.Join(errors.New("it hung up"), lines.Err()))
	}
	return lines.Text(), nil
}
