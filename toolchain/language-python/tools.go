//go:build tools

// Package languagepython keeps the command that is built from this module in its requirements.
package languagepython

import _ "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"
