"""The same set-up by other hands: exact commands for the Azure CLI and for PowerShell, the steps in the portal, and
those in Exchange Online for a scope. Sends nothing.
"""

import shlex
from collections.abc import Callable, Iterable, Mapping

from bulkmail.app.setup.administrator import GRAPH_APP
from bulkmail.app.setup.wish import PRIVATE, PUBLIC, SECRET, Wish

KEY = """\
(umask 077; openssl rand -base64 24 > {secret})
bulkmail cert new {name} --out {folder} --password-file {secret}
"""

SIGN_IN = {
    "global": ("", "Global"),
    "usgov": ("az cloud set --name AzureUSGovernment\n", "USGov"),
    "usgov-dod": ("az cloud set --name AzureUSGovernment\n", "USGovDoD"),
    "china": ("az cloud set --name AzureChinaCloud\n", "China"),
}
"""How each cloud is called: a command for the Azure CLI, and the name of its environment in PowerShell."""

CLI = """\
# 1. The key, on this machine
{key}
# 2. The application, with its certificate and its service principal
{cloud}az login --tenant {tenant} --allow-no-subscriptions
{application}az ad app credential reset --id "$APP" --cert @{certificate} --append
{permissions}
# The client id, for the job file
echo "$APP"
"""

CLI_ROLES = """
# 3. Its permissions, and admin consent (for the whole tenant)
{roles}az ad app permission admin-consent --id "$APP"
"""

CLI_NEW = """\
APP=$(az ad app create --display-name {display} --sign-in-audience AzureADMyOrg --query appId --output tsv)
az ad sp create --id "$APP"
"""

CLI_ROLE = """\
ROLE=$(az ad sp show --id {graph} --query "appRoles[?value=='{role}'].id" --output tsv)
az ad app permission add --id "$APP" --api {graph} --api-permissions "$ROLE=Role"
"""

SHELL = """\
# 1. The key, on this machine
{key}
# 2. The application, with its certificate and its service principal
Connect-MgGraph -TenantId {tenant} -Environment {environment} `
    -Scopes Application.ReadWrite.All,AppRoleAssignment.ReadWrite.All
$pem = Get-Content -Raw {certificate}
$der = [Convert]::FromBase64String(($pem -replace '-----[A-Z ]+-----' -replace '\\s'))
$key = @{{ type = 'AsymmetricX509Cert'; usage = 'Verify'; key = $der }}
{application}{permissions}
# The client id, for the job file
$app.AppId
"""

SHELL_ROLES = """
# 3. Its permissions, and admin consent (for the whole tenant)
$graph = Get-MgServicePrincipal -Filter "appId eq '{graph}'"
$roles = $graph.AppRoles | Where-Object Value -In {roles}
{listed}$roles | ForEach-Object {{
    New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $principal.Id -PrincipalId $principal.Id `
        -ResourceId $graph.Id -AppRoleId $_.Id }}
"""

SHELL_LISTED = """\
Update-MgApplication -ApplicationId $app.Id -RequiredResourceAccess @{{
    resourceAppId = '{graph}'; resourceAccess = @($roles | ForEach-Object {{ @{{ id = $_.Id; type = 'Role' }} }}) }}
"""
"""Replaces the list of what an application asks for: for a new one only."""

SHELL_NEW = """\
$app = New-MgApplication -DisplayName {display} -SignInAudience AzureADMyOrg -KeyCredentials $key
$principal = New-MgServicePrincipal -AppId $app.AppId
"""

SHELL_OLD = """\
$app = Get-MgApplication -Filter "appId eq '{client_id}'"
$keys = (Get-MgApplication -ApplicationId $app.Id -Property keyCredentials).KeyCredentials
Update-MgApplication -ApplicationId $app.Id -KeyCredentials (@($keys) + $key)
$principal = Get-MgServicePrincipal -Filter "appId eq '{client_id}'"
"""

PORTAL = """\
1. The key, on this machine
{key}
2. entra.microsoft.com, App registrations, {application}
3. Certificates & secrets, Certificates, Upload certificate: {certificate}.
{permissions}"""

PORTAL_ROLES = """\
4. API permissions, Add a permission, Microsoft Graph, Application permissions: {listed}.
   Remove User.Read (delegated), which a new application has by itself.
5. Grant admin consent for the tenant. It holds for every mailbox.
"""

PORTAL_NEW = """\
New registration: name {name}, accounts in this organizational directory
   only, no redirect URI. Note the Application (client) ID."""

PORTAL_OLD = "All applications: the one with the Application (client) ID {client_id}."

EXCHANGE = """\
# In Exchange Online PowerShell (Connect-ExchangeOnline): only the mailboxes of a scope. Do not consent to these
# permissions in Entra: the two add up. A change takes 30 minutes to 2 hours to be felt.
New-ServicePrincipal -AppId {client_id} -ObjectId {object_id} -DisplayName {display}
New-ManagementScope -Name {scope} -RecipientRestrictionFilter "CustomAttribute1 -eq 'bulkmail'"
{assignments}
Test-ServicePrincipalAuthorization -Identity {display} -Resource someone@contoso.com
"""


def azure_cli(wish: Wish) -> str:
    """For bash, or the Cloud Shell."""
    client_id = wish.app.client_id
    new = CLI_NEW.format(display=shlex.quote(wish.name))
    roles = "".join(CLI_ROLE.format(graph=GRAPH_APP, role=role) for role in wish.consented)
    told = CLI.format(
        key=_key(wish),
        cloud=SIGN_IN.get(wish.app.cloud, SIGN_IN["global"])[0],
        tenant=shlex.quote(wish.app.tenant_id),
        application=f"APP={shlex.quote(client_id)}\n" if client_id else new,
        certificate=shlex.quote(str(wish.file(PUBLIC))),
        permissions=CLI_ROLES.format(roles=roles) if roles else "",
    )
    return told + _scoped(wish)


def powershell(wish: Wish) -> str:
    """With the modules Microsoft.Graph.Applications and Microsoft.Graph.Authentication."""
    client_id, roles = wish.app.client_id, ",".join(map(_quoted, wish.consented))
    new, old = SHELL_NEW.format(display=_quoted(wish.name)), SHELL_OLD.format(client_id=client_id)
    listed = "" if client_id else SHELL_LISTED.format(graph=GRAPH_APP)
    told = SHELL.format(
        key=_key(wish),
        tenant=_quoted(wish.app.tenant_id),
        environment=SIGN_IN.get(wish.app.cloud, SIGN_IN["global"])[1],
        certificate=_quoted(str(wish.file(PUBLIC))),
        application=old if client_id else new,
        permissions=SHELL_ROLES.format(graph=GRAPH_APP, roles=roles, listed=listed) if roles else "",
    )
    return told + _scoped(wish)


def portal(wish: Wish) -> str:
    """In words, for a browser."""
    client_id, listed = wish.app.client_id, ", ".join(wish.consented)
    told = PORTAL.format(
        key=_key(wish),
        application=PORTAL_OLD.format(client_id=client_id) if client_id else PORTAL_NEW.format(name=wish.name),
        certificate=wish.file(PUBLIC),
        permissions=PORTAL_ROLES.format(listed=listed) if listed else "",
    )
    return told + _scoped(wish)


INSTRUCTIONS: Mapping[str, Callable[[Wish], str]] = {"cli": azure_cli, "powershell": powershell, "portal": portal}
"""The ways, by the names under which they are asked for."""


def exchange(wish: Wish, client_id: str, object_id: str) -> str:
    """What grants the roles of the scope. Empty ids are those of the application and of its service principal."""
    scope, display = _quoted(wish.scope), _quoted(wish.name)
    return EXCHANGE.format(
        client_id=client_id or "CLIENT_ID", object_id=object_id or "SERVICE_PRINCIPAL_OBJECT_ID", display=display,
        scope=scope, assignments="\n".join(_assignments(wish.scoped, client_id, scope)),
    )  # fmt: skip


def _assignments(roles: Iterable[str], client_id: str, scope: str) -> list[str]:
    app = client_id or "CLIENT_ID"
    return [
        f"New-ManagementRoleAssignment -App {app} -Role 'Application {role}' -CustomResourceScope {scope}"
        for role in roles
    ]


def _scoped(wish: Wish) -> str:
    return f"\n{exchange(wish, wish.app.client_id, '')}" if wish.scoped else ""


def _key(wish: Wish) -> str:
    if wish.file(PRIVATE).exists():
        return f"# {wish.file(PRIVATE)} is there already\n"
    folder = shlex.quote(str(wish.keys.parent))
    return KEY.format(secret=shlex.quote(str(wish.file(SECRET))), name=shlex.quote(wish.keys.name), folder=folder)


def _quoted(text: str) -> str:
    """A PowerShell text in which nothing is replaced."""
    return "'" + text.replace("'", "''") + "'"
