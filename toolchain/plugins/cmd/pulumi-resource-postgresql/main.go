// Command pulumi-resource-postgresql is Pulumi's PostgreSQL plugin without its schema: a Python program
// never asks for it. The resource names are those of the Python package pulumi-postgresql 3.18.2.
package main

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/terraform-providers/terraform-provider-postgresql/postgresql"
)

// version is set by the linker to that of the Python package.
var version = "0.0.0"

func main() {
	info := tfbridge.ProviderInfo{
		P:            shimv2.NewProvider(postgresql.Provider()),
		Name:         "postgresql",
		Version:      version,
		MetadataInfo: tfbridge.NewProviderMetadata([]byte("{}")),
	}
	info.MustComputeTokens(tokens.SingleModule("postgresql_", "index", tokens.MakeStandard("postgresql")))
	tfbridge.Main("postgresql", version, info, []byte("{}"))
}
