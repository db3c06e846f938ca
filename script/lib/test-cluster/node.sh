#!/bin/bash
# node.sh : PID 1 of the throw-away "node" (own pid+net+mount+uts namespaces, created by script/test-cluster).
# When it exits the kernel kills every process in the pid namespace and drops all mounts and interfaces.
set -uo pipefail
R=${WAQITI_PROGRAMS:?} RUN=${WAQITI_NODE:?}
P=$RUN/pki L=$RUN/log
IP=10.99.0.2 HOSTIP=10.99.0.1 NODE=node1 PODNET=10.244.0.0/24 CLUSTERNET=10.244.0.0/16 SVCNET=10.96.0.0/16
ETCD=${ETCD_BIN:-$R/packages/usr/bin/etcd}
export PATH=$R/bin:$R/packages/usr/sbin:$R/packages/usr/bin:$R/packages/sbin:$PATH
export LD_LIBRARY_PATH=$R/packages/usr/lib/x86_64-linux-gnu
hostname $NODE
mount --make-rshared /
# private views of the host-wide paths the CRI stack hard-codes
for d in /var/log /var/lib/cni /run/netns /tmp/hostpath_pv; do
  mkdir -p "$d" "$RUN/priv$d"; mount --bind "$RUN/priv$d" "$d"; done
# own sysfs (interfaces of this netns), cgroup v1 mounts carried over
mkdir -p $RUN/priv/cg && mount --rbind /sys/fs/cgroup $RUN/priv/cg && mount -t sysfs sysfs /sys && mount --rbind $RUN/priv/cg /sys/fs/cgroup
# kubelet would set these host-wide sysctls; show it the values it wants instead
for kv in kernel/panic=10 kernel/panic_on_oops=1 vm/overcommit_memory=1; do
  f=$RUN/priv/$(basename ${kv%=*}); echo ${kv#*=} >$f; mount --bind $f /proc/sys/${kv%=*}; done
# network: eth0 (veth from host) + a dead-end default route, so nothing can leave the box
ip link set lo up
for _ in $(seq 100); do ip link show eth0 >/dev/null 2>&1 && break; sleep .05; done
ip addr add $IP/30 dev eth0; ip link set eth0 up
ip link add void0 type bridge; ip link set void0 up; ip route add default dev void0 src $IP
sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0

mkdir -p $L $RUN/cni $RUN/containerd
cat >$RUN/cni/10-bridge.conflist <<Y
{"cniVersion":"1.0.0","name":"pods","plugins":[
 {"type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":false,"hairpinMode":true,
  "ipam":{"type":"host-local","ranges":[[{"subnet":"$PODNET"}]],"routes":[{"dst":"0.0.0.0/0"}]}},
 {"type":"portmap","capabilities":{"portMappings":true}}]}
Y
cat >$RUN/containerd/config.toml <<Y
version = 2
root = "$RUN/containerd/root"
state = "$RUN/containerd/state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs","io.containerd.snapshotter.v1.zfs","io.containerd.snapshotter.v1.aufs","io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = "$RUN/containerd/c.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:3.10"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$R/packages/usr/lib/cni"
    conf_dir = "$RUN/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
Y
echo "nameserver 10.96.0.10" >$RUN/resolv.conf
cat >$RUN/kubelet.yaml <<Y
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $P/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $P/kubelet-serving.crt
tlsPrivateKeyFile: $P/kubelet-serving.key
containerRuntimeEndpoint: unix://$RUN/containerd/c.sock
podLogsDir: /var/log/pods
cgroupDriver: cgroupfs
cgroupRoot: /k8snode
failCgroupV1: false
failSwapOn: false
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
resolvConf: $RUN/resolv.conf
evictionHard: {memory.available: "0%", nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%", imagefs.inodesFree: "0%"}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
oomScoreAdj: 0
maxPods: 60
nodeStatusUpdateFrequency: 5s
shutdownGracePeriod: 0s
Y
cat >$RUN/kube-proxy.yaml <<Y
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: $P/kube-proxy.kubeconfig}
mode: ${PROXY_MODE:-iptables}
oomScoreAdj: 0
hostnameOverride: $NODE
clusterCIDR: $CLUSTERNET
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
Y
for h in /sys/fs/cgroup/*/; do case $h in */unified/) ;; *) mkdir -p ${h}k8snode; [ -e ${h}k8snode/cpuset.cpus ] && { cat ${h}cpuset.cpus >${h}k8snode/cpuset.cpus; cat ${h}cpuset.mems >${h}k8snode/cpuset.mems; };; esac; done

start() { local n=$1; shift; "$@" >$L/$n.log 2>&1 & echo "$n $!" >>$RUN/pids; }
: >$RUN/pids
start containerd containerd -c $RUN/containerd/config.toml
start etcd $ETCD --data-dir $RUN/etcd --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380 --unsafe-no-fsync --logger zap --log-level warn
start apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 --bind-address=0.0.0.0 --advertise-address=$IP --secure-port=6443 \
  --service-cluster-ip-range=$SVCNET --client-ca-file=$P/ca.crt --tls-cert-file=$P/apiserver.crt --tls-private-key-file=$P/apiserver.key \
  --service-account-issuer=https://kubernetes.default.svc.cluster.local --service-account-key-file=$P/sa.pub --service-account-signing-key-file=$P/sa.key \
  --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true \
  --kubelet-client-certificate=$P/apiserver-kubelet-client.crt --kubelet-client-key=$P/apiserver-kubelet-client.key --kubelet-certificate-authority=$P/ca.crt \
  --kubelet-preferred-address-types=InternalIP ${APISERVER_EXTRA:-}
for _ in $(seq 300); do kubectl --kubeconfig $P/admin.kubeconfig get --raw /readyz >/dev/null 2>&1 && break; sleep .2; done
kubectl --kubeconfig $P/admin.kubeconfig apply -f ${WAQITI_PARTS:?}/base.yaml >/dev/null
start kcm kube-controller-manager --kubeconfig=$P/kcm.kubeconfig --service-account-private-key-file=$P/sa.key --root-ca-file=$P/ca.crt \
  --cluster-signing-cert-file=$P/ca.crt --cluster-signing-key-file=$P/ca.key --use-service-account-credentials --leader-elect=false --bind-address=127.0.0.1 \
  --allocate-node-cidrs --cluster-cidr=$CLUSTERNET --service-cluster-ip-range=$SVCNET --enable-hostpath-provisioner
start scheduler kube-scheduler --kubeconfig=$P/scheduler.kubeconfig --leader-elect=false --bind-address=127.0.0.1
start kubelet kubelet --config=$RUN/kubelet.yaml --kubeconfig=$P/kubelet.kubeconfig --root-dir=$RUN/kubelet --cert-dir=$RUN/kubelet/pki --hostname-override=$NODE --node-ip=$IP
start kube-proxy kube-proxy --config=$RUN/kube-proxy.yaml
# kube-router gives up when its node object does not exist yet
for _ in $(seq 300); do kubectl --kubeconfig $P/admin.kubeconfig get node $NODE >/dev/null 2>&1 && break; sleep .2; done
[ -x $R/bin/kube-router ] && [ "${NETPOL:-1}" = 1 ] && NODE_NAME=$NODE start kube-router kube-router --kubeconfig=$P/kube-router.kubeconfig --run-router=false --run-service-proxy=false --run-firewall=true \
  --hostname-override=$NODE --service-cluster-ip-range=$SVCNET --iptables-sync-period=1m0s --health-port=0 --metrics-port=0 --enable-ipv6=false -v=1
date +%s.%N >$RUN/started
trap 'exit 0' TERM INT
# host-path provisioner makes 0750 root dirs; other provisioners hand out 0777 ones
while :; do sleep .3 & wait $!; chmod 0777 /tmp/hostpath_pv/* 2>/dev/null; done
