# SPDX-License-Identifier: Apache-2.0
"""osci: continuous testing of OpenStack branches on real deployments."""
