"""What reports there are: their periods and columns, and who may read them."""

from bulkmail.sim.graph.table import roles

READ = roles("Reports.Read.All")
PERIODS = {"D7": 7, "D30": 30, "D90": 90, "D180": 180}
COLUMNS = (
    "Report Refresh Date", "User Principal Name", "Display Name", "Is Deleted", "Deleted Date", "Created Date",
    "Last Activity Date", "Item Count", "Storage Used (Byte)", "Issue Warning Quota (Byte)",
    "Prohibit Send Quota (Byte)", "Prohibit Send/Receive Quota (Byte)", "Deleted Item Count",
    "Deleted Item Size (Byte)", "Report Period",
)  # fmt: skip
QUOTAS = (53_150_220_288, 53_687_091_200, 53_687_091_200)
