"""The Kubernetes platform: for each service a namespace, a CloudNativePG cluster and a gateway of some pods.

`platform.KubernetesPlatform` is its `interface.Platform`. In: the stack's plan (`plan.stack_plan`, pure:
names, addresses, limits) and what the cluster is like (`cluster.KubernetesCluster.look`: nothing is made
before operator, storage class, namespaces and room are right). Out: resources of pulumi-kubernetes, whose
manifests are pure (`manifests`, `policies`, `reads`, `gateway_files`), and dynamic ones for what that lacks:
what waits for a server and says why it does not come (`serving`, `trouble`), where a gateway begins
(`route`), the temporary way to and from the shared database (`link`). docs/decisions/0140, 0142.
"""
