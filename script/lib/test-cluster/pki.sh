#!/bin/bash
# pki.sh DIR NODE_IP NODE_NAME : CA, serving cert, client certs and kubeconfigs (all EC, a few ms each)
set -euo pipefail
D=$1 IP=$2 NODE=$3; mkdir -p "$D"; cd "$D"
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
key ca
openssl req -x509 -new -key ca.key -subj /CN=test-ca -days 30 -out ca.crt \
  -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,digitalSignature
issue() { # name subject ext-lines
  key "$1"
  openssl req -new -key "$1.key" -subj "$2" |
    openssl x509 -req -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -out "$1.crt" -extfile <(printf '%b' "$3") 2>/dev/null
}
C='extendedKeyUsage=clientAuth\n'
issue apiserver /CN=kube-apiserver "extendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,IP:127.0.0.1,IP:$IP,IP:10.96.0.1\n"
issue kubelet-serving "/O=system:nodes/CN=system:node:$NODE" "extendedKeyUsage=serverAuth\nsubjectAltName=DNS:$NODE,IP:$IP,IP:127.0.0.1\n"
issue admin /O=system:masters/CN=admin "$C"
issue apiserver-kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client "$C"
issue kcm /CN=system:kube-controller-manager "$C"
issue scheduler /CN=system:kube-scheduler "$C"
issue kubelet "/O=system:nodes/CN=system:node:$NODE" "$C"
issue kube-proxy /CN=system:kube-proxy "$C"
issue kube-router /CN=kube-router "$C"
openssl genrsa -out sa.key 2048 2>/dev/null; openssl rsa -in sa.key -pubout -out sa.pub 2>/dev/null
b() { base64 -w0 "$1"; }
for u in admin kcm scheduler kubelet kube-proxy kube-router; do
cat > $u.kubeconfig <<Y
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://$IP:6443", certificate-authority-data: $(b ca.crt)}}]
users: [{name: u, user: {client-certificate-data: $(b $u.crt), client-key-data: $(b $u.key)}}]
contexts: [{name: waqiti-test, context: {cluster: c, user: u}}]
current-context: waqiti-test
Y
done
