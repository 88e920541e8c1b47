# SPDX-License-Identifier: Apache-2.0
"""An ML2 mechanism driver for hosts that run no network agent.

Nova's fake compute driver plugs no interface, so no agent could ever report a
port; the driver binds each port where nova puts it and says it is active.
"""

from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api

_DETAILS = {
    "bridge_name": "br-int",
    "connectivity": portbindings.CONNECTIVITY_L2,
    "datapath_type": "system",
    "port_filter": False,
}


class Agentless(api.MechanismDriver):
    """Bind any port on its first segment."""

    connectivity = portbindings.CONNECTIVITY_L2

    def initialize(self):
        """Do nothing: there is nothing to set up."""

    def bind_port(self, context):
        """Bind the port as Open vSwitch would, for nova knows that type of interface."""
        for segment in context.segments_to_bind[:1]:
            context.set_binding(
                segment[api.ID],
                portbindings.VIF_TYPE_OVS,
                _DETAILS,
                status=constants.PORT_STATUS_ACTIVE,
            )
