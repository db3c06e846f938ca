//go:build tools

// Package cli keeps the command that is built from this module in its requirements.
package cli

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
