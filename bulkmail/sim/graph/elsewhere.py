"""What belongs to services other than Exchange and the directory: no application here has a role that opens it, and
each is refused as Graph refuses an application without one."""

from bulkmail.sim.graph.call import Call

_OF_A_USER = frozenset(
    "activities adhocCalls agreementAcceptances authentication chats cloudClipboard cloudPCs createdObjects "
    "dataSecurityAndGovernance deviceManagementTroubleshootingEvents drive drives employeeExperience followedSites "
    "insights joinedTeams managedAppRegistrations managedDevices onenote onlineMeetings ownedDevices ownedObjects "
    "permissionGrants planner presence registeredDevices settings solutions sponsors teamwork todo".lower().split()
)


def elsewhere(call: Call) -> bool:
    """Whether a call that the simulator does not know asks for such a thing of a user."""
    users, _, name, *_ = (*call.segments, "", "", "")
    return users.lower() == "users" and name.lower() in _OF_A_USER
