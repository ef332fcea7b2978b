#!/bin/sh
# Installs the mail server that mta.test.ts mails through, on Debian and Ubuntu. It is not started by this: the test
# starts one of its own, on a port of its own.
set -eu
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends exim4-daemon-light
