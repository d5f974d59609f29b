"""The words that a tenant is made of: plants, places, texts that spreadsheets, terminals and browsers choke on."""

FIRST = ("amber", "birch", "cedar", "d'aulne", "elder", "fern", "ginkgo", "hazel", "iris", "juniper", "kelp", "linden",
         "maple", "nettle", "olive", "poplar", "quince", "rowan", "sedge", "tamarisk")  # fmt: skip
LAST = ("arbour", "brook", "cliff", "dale", "estuary", "fjord", "grove", "harbour", "inlet", "jetty", "knoll", "lagoon",
        "meadow", "narrows", "orchard", "pond", "quarry", "ridge", "strand", "o'tor")  # fmt: skip

DISPLAY = (
    "{first} {last}", "{last}, {first}", "{first} {last}", "{first} {last} (extern)", "Ärztehaus {last} Süd",
    "{first} {last} 東京支店", "{first}  {last} ", "Łódź / {last}", "{first} {last}", "{first} \"{last}\"",
)  # fmt: skip
DEPARTMENTS = ("Works", "Garden", "Harbour", "Archive", "Küche", "物流", "Reception", "")
TITLES = ("Keeper", "Planner", "Surveyor", "Gärtnerin", "", '=HYPERLINK("https://attacker.example";"bonus")')
OFFICES = ("1/101", "North Quay", "+1 annexe", "", "São Paulo 3")

LANGUAGES = (
    ("en-US", "English (United States)", "M/d/yyyy", "h:mm tt"),
    ("en-GB", "English (United Kingdom)", "dd/MM/yyyy", "HH:mm"),
    ("de-DE", "German (Germany)", "dd.MM.yyyy", "HH:mm"),
    ("fr-FR", "French (France)", "dd/MM/yyyy", "HH:mm"),
    ("ja-JP", "Japanese (Japan)", "yyyy/MM/dd", "H:mm"),
    ("pl-PL", "Polish (Poland)", "dd.MM.yyyy", "HH:mm"),
    ("pt-BR", "Portuguese (Brazil)", "dd/MM/yyyy", "HH:mm"),
    ("ar-SA", "Arabic (Saudi Arabia)", "dd/MM/yy", "hh:mm tt"),
)

TIME_ZONES = (
    "UTC", "W. Europe Standard Time", "Pacific Standard Time", "Tokyo Standard Time", "GMT Standard Time",
    "Europe/Berlin", "E. South America Standard Time", "India Standard Time", "Romance Standard Time",
)  # fmt: skip

REPLIES = (
    "",
    "I am away and read no mail until I am back.",
    "<html>\n<body>\n<p>Out of the office. In a hurry? Ask <b>reception</b>.<br>\n</p></body>\n</html>\n",
    "<html><body><div>Ich bin bis Montag nicht im Büro.&nbsp;Grüße</div></body></html>",
    "=cmd|' /C calc'!A0",
    "+1 555 0100 is my telephone",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "-2+3 days from now\tthen\r\nback",
    "<html><body><script>alert(1)</script><img src=x onerror=alert(1)></body></html>",
    "不在にしております。戻り次第ご連絡いたします。",
    "أنا خارج المكتب",
    'Away \x1b[31mnow\x1b[0m \x07 till \u202emorf\u202c noon, "quoted", semi;colon, comma',
)

SUBJECTS = (
    "Minutes of the meeting", "Re: delivery", "Invoice 2026-{n}", "Fwd: plan for the quay", "=1+1", "Änderung {n}",
    "会議の件", "", "Your parcel is on its way", "RE: RE: RE: roof", "@all please read", "Newsletter {n}",
)  # fmt: skip
FOLDERS = ("Projects", "Invoices", "Änderungen", "=Sums", "Old", "旅行")
CATEGORIES = ("Red category", "Orange category", "Yellow category", "Green category", "Blue category", "Projekt Süd")
