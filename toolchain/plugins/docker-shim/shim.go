// Package shim opens the Docker provider's internal package to the plugin: its path lies inside the
// provider's module, so Go's rule on internal packages lets it import what nobody else may.
package shim

import (
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

// New returns the Docker provider, version being what it reports of itself.
func New(version string) *schema.Provider { return provider.New(version)() }
