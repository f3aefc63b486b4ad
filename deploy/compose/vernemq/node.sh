# The generated file is for one machine: what a node of a cluster says of itself is changed, and the image does the rest.
set -eu
address=$(hostname -i | cut -d' ' -f1)
sed -e "s/^nodename = .*/nodename = VerneMQ@$DOCKER_VERNEMQ_NODENAME/" \
  -e "s/^listener.vmq.clustering = .*/listener.vmq.clustering = $address:44053/" \
  /generated/vernemq.conf >/vernemq/etc/vernemq.conf.local
exec start_vernemq
