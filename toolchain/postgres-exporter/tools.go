//go:build tools

// Package exporter keeps the command that is built from this module in its requirements.
package exporter

import _ "github.com/prometheus-community/postgres_exporter/cmd/postgres_exporter"
