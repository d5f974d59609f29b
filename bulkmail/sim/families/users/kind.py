"""Users of the directory: the properties that are shown, the sizes of pages, and who may read them."""

from bulkmail.sim.graph.table import roles

PAGE, MOST = 100, 999
LOOKED_AT = 20_000  # users that one page looks at: a rare match makes short pages, as in the service
DEFAULT = (
    "id", "businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation",
    "preferredLanguage", "surname", "userPrincipalName",
)  # fmt: skip
BASIC = {"id", "displayName", "givenName", "surname", "mail", "userPrincipalName"}
FULL_READ = roles("User.Read.All User.ReadWrite.All Directory.Read.All Directory.ReadWrite.All")
READ = FULL_READ | roles("User.ReadBasic.All")
