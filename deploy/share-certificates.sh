#!/bin/sh
# Copies to one folder for each part what that part needs and nothing else: share-certificates.sh FOLDER, where
# FOLDER/.jamey is. Run it again after each renewal: files are replaced whole, and running parts look at them.
set -eu
umask 077
folder=$1
from=$folder/.jamey
certs=$from/certs

# share PART SOURCE NAME MODE
share() {
  [ -e "$2" ] || return 0
  mkdir -p "$folder/share/$1"
  if cmp -s "$2" "$folder/share/$1/$3"; then return 0; fi
  cp "$2" "$folder/share/$1/.$3.new"
  chmod "$4" "$folder/share/$1/.$3.new"
  mv "$folder/share/$1/.$3.new" "$folder/share/$1/$3"
}

for part in broker jamey-broker authz postgres jamey-conscience jamey-conscience-2 jamey-memory jamey-memory-2 jamey-gateway jamey-gateway-2; do
  name=$part
  case $part in broker | jamey-broker | authz | postgres) name=server ;; esac
  share "$part" "$certs/ca.crt" ca.crt 0644
  share "$part" "$certs/crl.pem" crl.pem 0644
  # The key first: a certificate that has none yet would be refused.
  share "$part" "$certs/$name.key" tls.key 0600
  share "$part" "$certs/$name.crt" tls.crt 0644
done
for part in jamey-broker authz jamey-conscience jamey-conscience-2 jamey-memory jamey-memory-2 jamey-gateway jamey-gateway-2; do
  share "$part" "$from/token-secret" token-secret 0600
done
share authz "$from/authz-secret" authz-secret 0600
for part in postgres jamey-memory jamey-memory-2; do
  share "$part" "$from/database-password" database-password 0600
done
