//go:build tools

// Package actionlint keeps the command that is built from this module in its requirements.
package actionlint

import _ "github.com/rhysd/actionlint/cmd/actionlint"
