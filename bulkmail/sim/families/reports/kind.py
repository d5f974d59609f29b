"""What reports there are: their periods and columns, and who may read them. Columns as documented."""

from collections.abc import Mapping

from bulkmail.sim.graph.table import roles

READ = roles("Reports.Read.All")
PERIODS = {"D7": 7, "D30": 30, "D90": 90, "D180": 180}
QUOTAS = (53_150_220_288, 53_687_091_200, 53_687_091_200)
REFRESHED = "Report Refresh Date"
ENDING = ("Report Date", "Report Period")
WHO = (REFRESHED, "User Principal Name", "Display Name", "Is Deleted", "Deleted Date")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "getMailboxUsageDetail": (
        *WHO, "Created Date", "Last Activity Date", "Item Count", "Storage Used (Byte)", "Issue Warning Quota (Byte)",
        "Prohibit Send Quota (Byte)", "Prohibit Send/Receive Quota (Byte)", "Deleted Item Count",
        "Deleted Item Size (Byte)", "Report Period",
    ),
    "getEmailActivityUserDetail": (
        *WHO, "Last Activity Date", "Send Count", "Receive Count", "Read Count", "Meeting Created Count",
        "Meeting Interacted Count", "Assigned Products", "Report Period",
    ),
    "getEmailActivityCounts": (REFRESHED, "Send", "Receive", "Read", "Meeting Created", "Meeting Interacted", *ENDING),
    "getMailboxUsageStorage": (REFRESHED, "Storage Used (Byte)", *ENDING),
    "getMailboxUsageMailboxCounts": (REFRESHED, "Total", "Active", *ENDING),
    "getEmailAppUsageUserCounts": (
        REFRESHED, "Mail For Mac", "Outlook For Mac", "Outlook For Windows", "Outlook For Mobile", "Other For Mobile",
        "Outlook For Web", "POP3 App", "IMAP4 App", "SMTP App", *ENDING,
    ),
    "getM365AppUserCounts": (
        REFRESHED, "Outlook", "Word", "Excel", "PowerPoint", "OneNote", "Teams", *ENDING,
    ),
}  # fmt: skip
BY_DATE = frozenset({"getEmailActivityUserDetail"})  # take one day in place of a period
