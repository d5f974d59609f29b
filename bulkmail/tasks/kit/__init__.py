"""What families of tasks share: keyed things, differences, restoring, writing with If-Match, HTML, answers, files and
templates. Knows no family and no task.
"""
